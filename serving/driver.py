"""The statements of every batch, straight to the driver: SQLAlchemy's own 25 µs a statement would be felt there.

The connection is the one that SQLAlchemy holds; a transaction begun here is one that it joins.

It binds numbers, texts and a `bytearray` at once. For a `None`, and for `bytes`, it looks for an adapter first, which
takes as long as five numbers: what is written by the hundred is handed over without them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol, cast

import msgspec
from sqlalchemy import Connection

Row = tuple[Any, ...]
_json = msgspec.json.Encoder().encode


class Cursor(Protocol):
    """What a statement found or changed."""

    rowcount: int
    """How many rows an INSERT, UPDATE or DELETE changed."""

    def fetchone(self) -> Row | None:
        """Return the next row, or None."""

    def fetchall(self) -> list[Row]:
        """Return all rows."""


class Driver(Protocol):
    """The driver's connection, as far as batches use it."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        """Run a statement."""

    def commit(self) -> None:
        """Make what was written durable."""

    def rollback(self) -> None:
        """Take back what was not committed; nothing if nothing was begun."""

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> object:
        """Run a statement once for each of these."""


class Insert:
    """An INSERT whose last few columns are empty in most rows; those rows are written without them."""

    def __init__(self, table: str, columns: Sequence[str], *, seldom: int, conflict: str = "") -> None:
        """`seldom` is how many of the columns, at the end, that is; `conflict` is the clause that says ON CONFLICT."""
        self._without = f"{_insert(table, columns[:-seldom])} {conflict}"
        self._whole = f"{_insert(table, columns)} {conflict}"
        self._most = len(columns) - seldom
        self._nothing = (None,) * seldom

    def write(self, driver: Driver, rows: Iterable[Row]) -> None:
        """Append rows, in their order."""
        most, nothing = self._most, self._nothing
        for is_short, run in groupby(rows, lambda row: row[most:] == nothing):
            if is_short:
                driver.executemany(self._without, [row[:most] for row in run])
            else:
                driver.executemany(self._whole, list(run))


def driver(connection: Connection) -> Driver:
    """Return the driver's connection, within whatever transaction SQLAlchemy has begun on it."""
    # Where nothing is asynchronous the same as `driver_connection`, five calls nearer.
    return cast("Driver", connection.connection.dbapi_connection)


def scalar(driver: Driver, statement: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the first value of the first row, or None."""
    row = driver.execute(statement, parameters).fetchone()
    return row[0] if row is not None else None


def listed(values: Iterable[str] | Iterable[int] | Mapping[int, str]) -> str:
    """Return values as `json_each` reads them."""
    return _json(values).decode()


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
