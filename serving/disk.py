"""Flushing one file in the kernel's own time: the event loop is told when its data are on the disk."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

Done = Callable[[OSError | None], None]
"""Called when a flush has ended, with the reason if it failed."""
_AT_ONCE: Final = 1
_ANSWERS: Final = 2**64


class Disk:
    """One file, flushed by Linux's asynchronous I/O: neither a thread nor the interpreter's lock has a part in it."""

    def __init__(self, file: Path) -> None:
        """Ask the kernel for it (OSError, where it has it for nobody or not for one more); the file may come later."""
        try:
            # The library has it for Linux with glibc 2.34 or later; it can be installed everywhere.
            from caio.linux_aio import Context, Operation
        except ImportError:
            raise OSError("asynchronous flushes are Linux's own, with glibc 2.34 or later") from None
        self._file = file
        self._operation = Operation
        try:
            self._queue = Context(max_requests=_AT_ONCE)
        except SystemError as error:
            raise OSError(f"asynchronous flushes are refused: {error}") from None
        self._descriptor: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def flush(self, done: Done) -> None:
        """Begin to flush what was written by now, one flush at a time; the running loop calls `done` (OSError)."""
        if self._descriptor is None:
            self._descriptor = os.open(self._file, os.O_RDWR)
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._queue.fileno, self._hear)
        # As fdatasync: the data, and what it takes to read them.
        operation = self._operation.fdsync(self._descriptor)
        operation.set_callback(lambda answer: done(_error(answer)))
        try:
            self._queue.submit(operation)
        except (OverflowError, SystemError, ValueError):
            # Too much is under way, or the file system has no such thing: then the loop waits for the disk itself.
            self.flush_now()
            asyncio.get_running_loop().call_soon(done, None)

    def flush_now(self) -> None:
        """Wait for the disk, for all that was written by now (OSError)."""
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """End; nobody is told of a flush that is under way."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._queue.fileno)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _hear(self) -> None:
        with suppress(BlockingIOError):  # It was heard of before.
            self._queue.poll()
        self._queue.process_events()


def _error(answer: int) -> OSError | None:
    """Return what the kernel said went wrong; it comes as -errno in 64 bits without a sign."""
    return OSError(_ANSWERS - answer, os.strerror(_ANSWERS - answer)) if answer else None
