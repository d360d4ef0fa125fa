"""Changed pages of a database written to the disk in portions: whoever waits for the disk meanwhile waits for one.

SQLite flushes a database at once when a write-ahead log was copied to its end: what tens of seconds changed, in front
of every commit that waits for the same disk. After this there is next to nothing left for it to flush.
"""

import ctypes
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

PORTION: Final = 8 << 20
"""Bytes of the file, of which few have changed; more of a large one, for the log grows while it is gone through."""
MOST_PORTIONS: Final = 64
PAUSE_S: Final = 0.003
_WRITE_AND_WAIT: Final = 1 | 2 | 4
"""SYNC_FILE_RANGE_WAIT_BEFORE, WRITE and WAIT_AFTER: the data alone, and no order to the disk to empty its cache."""


def write_back(file: Path) -> int:
    """Write what changed of a database that this process has open; return in how many portions (OSError).

    None are written of a file that nobody has open, and on any system but Linux. That costs only time: nothing is
    durable by this, but by the flush that follows.
    """
    descriptor = _descriptor(file) if sys.platform == "linux" else None
    if descriptor is None:
        return 0
    # Of all C libraries of Linux; sizes are of 64 bits everywhere.
    sync = ctypes.CDLL(None, use_errno=True).sync_file_range
    sync.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    size = file.stat().st_size
    portion = max(PORTION, -(-size // MOST_PORTIONS))
    portions = 0
    for start in range(0, size, portion):
        if sync(descriptor, start, portion, _WRITE_AND_WAIT):
            break  # What the disk refuses, the flush says to whoever waits for it.
        portions += 1
        time.sleep(PAUSE_S)
    return portions


def _descriptor(file: Path) -> int | None:
    """Return the descriptor that SQLite has of a file: closing one of our own would let go of its locks on the file.

    https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    """
    path = file.resolve()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # It may be closed by now.
            if each.readlink() == path:
                return int(each.name)
    return None
