"""The disk alone, while nobody else asks it for anything: no durable answer comes sooner than from it."""

import os
import time
from pathlib import Path

from benchmarks.latency import Latency, describe

WRITTEN = 16 * 1024
"""Bytes at a time: about what a small batch of events adds to the write-ahead log."""
REST_S = 0.001


def alone(folder: Path, *, seconds: float) -> Latency:
    """Return how long it takes to write and flush a little, over and over, in a file that is there already."""
    path = folder / "disk.bin"
    block = os.urandom(WRITTEN)
    waits = []
    try:
        with path.open("wb", buffering=0) as file:
            file.write(block * 64)
            os.fsync(file.fileno())
            end = time.perf_counter() + seconds
            while (begin := time.perf_counter()) < end:
                file.seek(len(waits) % 64 * WRITTEN)
                file.write(block)
                os.fdatasync(file.fileno())
                waits.append(time.perf_counter() - begin)
                time.sleep(REST_S)
    finally:
        path.unlink(missing_ok=True)
    return describe(waits)
