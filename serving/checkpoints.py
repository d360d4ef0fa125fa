"""Copying the write-ahead log into the database file, in a thread of its own, so that no commit has to wait for it."""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

EVERY_S = 0.25
_log = logging.getLogger(__name__)


class Checkpoints:
    """Keeps the write-ahead log of a SQLite file short, from `start` to `stop`."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=0.0)) as connection:
            while not self._stopping.wait(EVERY_S):
                try:
                    # Passive: it waits for nobody, and nobody for it; what it cannot copy is left to the next one.
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                except sqlite3.Error:
                    _log.warning("the write-ahead log could not be copied; the next commits will", exc_info=True)
