"""The statements of every batch, straight to the driver: SQLAlchemy's own 25 µs a statement would be felt there.

The connection is the one that SQLAlchemy holds; a transaction begun here is one that it joins.

It binds numbers, texts and a `bytearray` at once. For a `None`, and for `bytes`, it looks for an adapter first, which
takes as long as five numbers: what is written by the hundred is handed over without them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, Protocol, cast

import msgspec
from sqlalchemy import Connection

Row = tuple[Any, ...]
AT_ONCE = 50
"""Rows in one statement: beginning and ending one takes as long as what a row is in it."""
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

    total_changes: int
    """How many rows were inserted, updated and deleted since it was opened."""

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
        self._without = _Statements(table, columns[:-seldom], conflict)
        self._whole = _Statements(table, columns, conflict)
        self._most = len(columns) - seldom
        self._nothing = (None,) * seldom

    def write(self, driver: Driver, rows: Iterable[Row]) -> None:
        """Append rows, in their order."""
        most, nothing = self._most, self._nothing
        for is_short, run in groupby(rows, lambda row: row[most:] == nothing):
            if is_short:
                self._without.run(driver, [row[:most] for row in run])
            else:
                self._whole.run(driver, list(run))


class _Statements:
    """An INSERT of one row, and of many."""

    def __init__(self, table: str, columns: Sequence[str], conflict: str) -> None:
        row = f"({', '.join('?' * len(columns))})"
        into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
        self._one = f"{into} {row} {conflict}"
        self._many = f"{into} {', '.join([row] * AT_ONCE)} {conflict}"

    def run(self, driver: Driver, rows: Sequence[Row]) -> None:
        left = len(rows) % AT_ONCE
        for first in range(0, len(rows) - left, AT_ONCE):
            driver.execute(self._many, (*chain.from_iterable(rows[first : first + AT_ONCE]),))
        if left:
            driver.executemany(self._one, rows[-left:])


def driver(connection: Connection) -> Driver:
    """Return the driver's connection, within whatever transaction SQLAlchemy has begun on it."""
    # Where nothing is asynchronous the same as `driver_connection`, five calls nearer.
    return cast("Driver", connection.connection.dbapi_connection)


def scalar(driver: Driver, statement: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the first value of the first row, or None."""
    row = driver.execute(statement, parameters).fetchone()
    return row[0] if row is not None else None


def file_of(driver: Driver) -> str:
    """Return the path of the database that a connection has open."""
    path: str = driver.execute("PRAGMA database_list").fetchall()[0][2]
    return path


def listed(values: Iterable[str] | Iterable[int] | Mapping[int, str]) -> str:
    """Return values as `json_each` reads them."""
    return _json(values).decode()
