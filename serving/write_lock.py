"""The right to write, which another process may have at the moment: nobody waits for it on the event loop."""

import logging
import sqlite3
from pathlib import Path
from time import monotonic

from sqlalchemy.exc import DBAPIError

from serving.database import BUSY_S
from serving.driver import Driver, file_of
from serving.errors import DatabaseGone, NotWritable, WrittenElsewhere

_log = logging.getLogger(__name__)
TRY_AGAIN_S = 0.01
LOOK_EVERY_S = 0.1
"""No more often: whoever takes the file away takes what came just before, too."""
_AT_ONCE_MS = 25
"""So long SQLite waits by itself: as long as the loop may stand still."""
_OF_THE_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


class WriteLock:
    """Begins transactions that write, each at the first moment at which no other process does."""

    def __init__(self, driver: Driver) -> None:
        """From now on the connection waits for nobody else for long."""
        self._driver = driver
        self._since: float | None = None
        self._file = file_of(driver)
        self._known, self._looked_at = _identity(self._file), 0.0
        driver.execute(f"PRAGMA busy_timeout={_AT_ONCE_MS}").fetchall()

    def begin(self) -> None:
        """Begin a transaction, which whatever SQLAlchemy is asked within joins (WrittenElsewhere, DatabaseGone)."""
        self._look()
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise WrittenElsewhere from error
        self._since = None

    def _look(self) -> None:
        """See that the file is still the one of its name: SQLite writes on to one that ends with the process."""
        now = monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            if _identity(self._file) != self._known:
                raise DatabaseGone
            self._looked_at = now

    def is_worth_waiting_for(self) -> bool:
        """Whether to try again: not where the others have had it for so long already."""
        now = monotonic()
        if self._since is None:
            self._since = now
        if now - self._since < BUSY_S:
            return True
        self._since = None
        return False


def _identity(file: str) -> tuple[int, int] | None:
    """Return what tells a file from any other that may take its name; None where there is none."""
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def blamed(error: Exception, *, before: Exception | None) -> Exception:
    """Return what to answer where something failed: NotWritable where the disk is to blame, and not what was asked.

    The log is told, but of a disk once: each request would write to it while `before` is the same.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    # The rest of an extended code says at which call.
    disk = isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK
    found = NotWritable() if disk else error
    if not isinstance(found, NotWritable) or type(before) is not type(found):
        _log.error("an item could not be handled", exc_info=error)
    return found
