"""Commits made durable beside the loop: one flush of the write-ahead log for all that came since the last one began.

The writer commits without waiting for the disk, and goes on with its next batch; whoever waits for an answer gets it
once a flush that began after their commit has ended. SQLite's own order is left as it is: it flushes its log before it
copies it, and where it begins it anew (https://sqlite.org/pragma.html#pragma_synchronous, NORMAL).
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from serving.driver import Driver, scalar

Then = Callable[[OSError | None], None]
"""Called when what was committed before is durable, or with the reason why it is not."""
_flush: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)
_BY_COMMITS, _BESIDE = "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"
_FULL: Final = 2
_log = logging.getLogger(__name__)


class Flushes:
    """The flushes of the write-ahead log of one database, by a thread of their own; used from one event loop."""

    def __init__(self, driver: Driver) -> None:
        """Let the commits of a connection wait for nothing; it stays open while this is used."""
        driver.execute(_BESIDE)
        self._driver = driver
        self._file = f"{driver.execute('PRAGMA database_list').fetchall()[0][2]}-wal"
        self._descriptor: int | None = None
        self._under_way: list[Then] = []
        self._next: list[Then] = []
        self._asked: SimpleQueue[asyncio.AbstractEventLoop | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def after(self, then: Then) -> None:
        """Call back once all that is committed by now is durable; in the order of the calls."""
        self._next.append(then)
        if not self._under_way:
            self._begin()

    def finish(self) -> None:
        """Flush at once, call back whoever waits, and end: from here on each commit waits for the disk itself."""
        self._driver.execute(_BY_COMMITS)
        waiting, self._under_way, self._next = self._under_way + self._next, [], []
        error = self._flushed() if waiting else None
        _tell(waiting, error)
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()
            self._thread = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _begin(self) -> None:
        self._under_way, self._next = self._next, []
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="flushes", daemon=True)
            self._thread.start()
        self._asked.put(asyncio.get_running_loop())

    def _run(self) -> None:
        while (loop := self._asked.get()) is not None:
            error = self._flushed()
            try:
                loop.call_soon_threadsafe(self._end, error)
            except RuntimeError:
                return  # The loop is over, and nobody waits any more.

    def _end(self, error: OSError | None) -> None:
        waiting, self._under_way = self._under_way, []
        if self._next:
            self._begin()
        _tell(waiting, error)

    def _flushed(self) -> OSError | None:
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._file, os.O_RDWR)
            _flush(self._descriptor)
        except OSError as error:
            _log.exception("the write-ahead log could not be flushed to the disk")
            return error
        return None


def flushes_of(driver: Driver) -> Flushes | None:
    """Return the flushes of a connection's database; None where nothing there has to survive a loss of power."""
    return Flushes(driver) if scalar(driver, "PRAGMA synchronous") == _FULL else None


def _tell(waiting: list[Then], error: OSError | None) -> None:
    for then in waiting:
        then(error)
