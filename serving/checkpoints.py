"""Copying write-ahead logs into their database files, in a thread of its own: hardly a commit has to wait for it.

While the thread copies, more is written, and a log that is not copied to its very end only ever grows. So the writer is
asked to copy the little that is left between two of its transactions, and begins the log anew with the next one. That
is when SQLite flushes the database, for which the writer waits: most of it is written before, in portions.
"""

import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from serving.database import CHECKPOINT, open_existing
from serving.writeback import write_back

NICENESS = 15
"""Of 19: whoever waits for an answer goes first."""
_MOST_PASSES = 8
_LITTLE = 256
"""Pages that the writer copies within some milliseconds."""
MOST_PAGES, PAUSE_S = 96_000, 0.05
"""A write-ahead log of so many pages is brought to an end at once; a shorter one when nothing came for so long."""
LAST_RESORT = "PRAGMA wal_autocheckpoint=256000"
"""A commit copies a log of so many pages itself, in some fifty milliseconds: only where nobody brought it to an end."""
_log = logging.getLogger(__name__)


class Checkpoints:
    """Keeps the write-ahead log of a SQLite file short, from `start` to `stop`."""

    def __init__(
        self,
        file: Path,
        *,
        every_s: float,
        durable: bool = True,
        finish: Callable[[int], None] | None = None,
        long: int | None = None,
    ) -> None:
        """Prepare.

        Args:
            file: The database.
            every_s: Seconds between two times.
            durable: Whether to wait for the disk: not for a file that can be lost.
            finish: Called from the thread with the length of the log in pages, after copying.
            long: At so many pages it copies until little is left, since `finish` has the writer copy the rest at once.
        """
        self._file = file
        self._durable = durable
        self._every_s = every_s
        self._finish = finish
        self._long = long
        self._trouble: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the checkpoint that is under way."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        # On Linux a thread has a priority of its own; elsewhere it would be that of the whole process.
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        pages = 0
        while not self._stopping.wait(self._every_s):
            try:
                pages = self._copy()
            except (sqlite3.Error, OSError) as error:
                self._tell(str(error))
            else:
                self._tell(None)
            if self._finish is not None:
                self._finish(pages)

    def _tell(self, trouble: str | None) -> None:
        """Say once what keeps the log from being copied, and once that nothing does any more."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            _log.info("the write-ahead log of %s can be copied again", self._file)
        else:
            _log.warning("the write-ahead log of %s cannot be copied: %s", self._file, trouble)

    def _copy(self) -> int:
        """Copy what is there; return the length of the log in pages."""
        pages = 0
        # Opened each time: a store that lost its file goes on with another one.
        with closing(open_existing(self._file)) as connection:
            if not self._durable:
                connection.execute("PRAGMA synchronous=OFF")
            for _ in range(_MOST_PASSES):
                before = pages
                # Passive: it waits for nobody, and nobody for it. What came meanwhile is left to the next pass.
                _, pages, _ = connection.execute(CHECKPOINT).fetchall()[0]
                if self._long is None or pages < self._long or pages - before <= _LITTLE:
                    break
                if self._durable and before == 0:
                    write_back(self._file)
        return pages
