"""The disk alone, while nobody else asks it for anything: no durable answer comes sooner than from it."""

import os
import time
from pathlib import Path

from benchmarks.latency import Latency, arrivals, describe

WRITTEN = 512
"""Bytes of a write: about what one event adds to the write-ahead log."""
ROOM = 1024 * 1024


def alone(folder: Path, *, rate_per_s: float, seconds: float, seed: int = 1) -> Latency:
    """Return how long writes wait until they are flushed, when whatever came meanwhile is flushed together.

    They are due as those of an open loop, and a wait counts from when a write was due: a stall costs whoever came
    while it lasted, as it does behind a server.
    """
    path = folder / "disk.bin"
    waits: list[float] = []
    moments = arrivals(rate_per_s, seconds, seed=seed)
    try:
        with path.open("wb", buffering=0) as file:
            file.write(os.urandom(ROOM))
            os.fsync(file.fileno())
            begin = time.perf_counter()
            while len(waits) < moments.size:
                due = int(moments.searchsorted(time.perf_counter() - begin, side="right"))
                if due == len(waits):
                    continue
                size = (due - len(waits)) * WRITTEN
                file.seek(len(waits) * WRITTEN % (ROOM - size) if size < ROOM else 0)
                file.write(os.urandom(min(size, ROOM)))
                os.fdatasync(file.fileno())
                done = time.perf_counter() - begin
                waits += [done - moment for moment in moments[len(waits) : due].tolist()]
    finally:
        path.unlink(missing_ok=True)
    return describe(waits)
