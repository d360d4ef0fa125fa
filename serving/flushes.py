"""Commits made durable beside the loop: one flush of the write-ahead log for all that came since the last one began.

The writer commits without waiting for the disk, and goes on with its next batch; whoever waits for an answer gets it
once a flush that began after their commit has ended. SQLite's own order is left as it is: it flushes its log before it
copies it, and where it begins it anew (https://sqlite.org/pragma.html#pragma_synchronous, NORMAL).
"""

import logging
from pathlib import Path
from typing import Final

from serving.disk import Disk, Done
from serving.driver import Driver, file_of, scalar

_BY_COMMITS, _BESIDE = "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"
_FULL: Final = 2
_log = logging.getLogger(__name__)


class Flushes:
    """The flushes of the write-ahead log of one database, used from one event loop."""

    def __init__(self, driver: Driver, disk: Disk) -> None:
        """Let the commits of a connection wait for nothing; `disk` has its write-ahead log, and is closed with this."""
        driver.execute(_BESIDE)
        self._driver = driver
        self._disk = disk
        self._waiting: list[Done] = []
        self._covered: list[Done] = []

    @property
    def under_way(self) -> bool:
        """Whether anybody waits for the disk."""
        return bool(self._covered or self._waiting)

    def after(self, then: Done) -> None:
        """Call back once all that is committed by now is durable; in the order of the calls."""
        self._waiting.append(then)
        if not self._covered:
            self._begin()

    def finish(self) -> None:
        """Flush at once, call back whoever waits, and end: from here on each commit waits for the disk itself."""
        self._driver.execute(_BY_COMMITS)
        self._covered, self._waiting = [*self._covered, *self._waiting], []
        error = None
        if self._covered:
            try:
                self._disk.flush_now()
            except OSError as failed:
                error = failed
        self._disk.close()
        self._tell(error)

    def _begin(self) -> None:
        """Flush for all who wait by now; whoever comes meanwhile waits for the next flush."""
        self._covered, self._waiting = self._waiting, []
        try:
            self._disk.flush(self._tell)
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError | None) -> None:
        if error is not None:
            _log.error("the write-ahead log could not be flushed to the disk: %s", error)
        covered, self._covered = self._covered, []
        for done in covered:
            done(error)
        if self._waiting:
            self._begin()


def flushes_of(driver: Driver) -> Flushes | None:
    """Return the flushes of a connection's database; None where each commit flushes, or nothing has to be flushed.

    That is a database that need not survive a loss of power, or a kernel that flushes for nobody beside.
    """
    if scalar(driver, "PRAGMA synchronous") != _FULL:
        return None
    try:
        return Flushes(driver, Disk(Path(f"{file_of(driver)}-wal")))
    except OSError as error:
        _log.warning("each batch waits for the disk: %s", error)
        return None
