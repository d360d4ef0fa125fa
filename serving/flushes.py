"""Commits made durable beside the loop: one flush of the write-ahead log for all that came since the last one began.

The writer commits without waiting for the disk, and goes on with its next batch; whoever waits for an answer gets it
once a flush that began after their commit has ended. SQLite's own order is left as it is: it flushes its log before it
copies it, and where it begins it anew (https://sqlite.org/pragma.html#pragma_synchronous, NORMAL).
"""

import asyncio
import logging
import os
import threading
from collections import deque
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
        self._waiting: deque[Then] = deque()
        self._done: deque[tuple[list[Then], OSError | None]] = deque()
        self._untold = 0
        self._asked: SimpleQueue[asyncio.AbstractEventLoop | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def under_way(self) -> bool:
        """Whether anybody waits for the disk."""
        return self._untold > 0

    def after(self, then: Then) -> None:
        """Call back once all that is committed by now is durable; in the order of the calls."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="flushes", daemon=True)
            self._thread.start()
        self._untold += 1
        self._waiting.append(then)
        self._asked.put(asyncio.get_running_loop())

    def finish(self) -> None:
        """Flush at once, call back whoever waits, and end: from here on each commit waits for the disk itself."""
        self._driver.execute(_BY_COMMITS)
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()
            self._thread = None
        self._flush_waiting()
        self._tell()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _run(self) -> None:
        while (loop := self._asked.get()) is not None:
            self._flush_waiting()
            try:
                loop.call_soon_threadsafe(self._tell)
            except RuntimeError:
                return  # The loop is over, and nobody waits any more.

    def _flush_waiting(self) -> None:
        """Flush once for all who wait by now; whoever comes meanwhile waits for the next flush."""
        # One by one: the loop may add somebody meanwhile.
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if waiting:
            self._done.append((waiting, self._flushed()))

    def _tell(self) -> None:
        while self._done:
            waiting, error = self._done.popleft()
            self._untold -= len(waiting)
            for then in waiting:
                then(error)

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
