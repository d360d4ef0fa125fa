"""The statements of every batch, straight to the driver: SQLAlchemy's own 25 µs a statement would be felt there.

The connection is the one that SQLAlchemy holds; a transaction begun here is one that it joins.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

from sqlalchemy import Connection

Row = tuple[Any, ...]


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


def driver(connection: Connection) -> Driver:
    """Return the driver's connection, within whatever transaction SQLAlchemy has begun on it."""
    return cast("Driver", connection.connection.driver_connection)


def scalar(driver: Driver, statement: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the first value of the first row, or None."""
    row = driver.execute(statement, parameters).fetchone()
    return row[0] if row is not None else None
