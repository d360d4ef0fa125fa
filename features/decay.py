"""Exponential decay and local time: what advancing, merging and reading a state share."""

import math

import numpy as np
from numba import njit

from features.layout import Floats, Tables

US_PER_S, MINUTE_US, HOUR_US, DAY_US = 1e6, 60e6, 3_600e6, 86_400e6
NEVER = -math.inf


@njit(cache=True, nogil=True)
def decay(state: Floats, tables: Tables, seconds: float) -> None:
    """Let every slot that decays forget for so long."""
    for i in range(tables.rates.size):
        if tables.rates[i] > 0.0:
            factor = math.exp(-seconds * tables.rates[i])
            for slot in range(tables.groups[i, 0], tables.groups[i, 1]):
                state[slot] *= factor


@njit(cache=True, nogil=True)
def weight_of(tables: Tables, group: int, behind_s: float) -> float:
    """Return what an event adds that happened `behind_s` seconds before the newest one."""
    if behind_s == 0.0 or tables.rates[group] == 0.0:
        return 1.0
    return math.exp(-behind_s * tables.rates[group])


@njit(cache=True, nogil=True)
def local_seconds(at: float, utc_offset_s: float) -> float:
    """Return the reading of the clock on the wall at `at` (µs), in seconds; that of UTC where no offset is known."""
    return at / US_PER_S + (0.0 if math.isnan(utc_offset_s) else utc_offset_s)


@njit(cache=True, nogil=True)
def hour_of(local_s: float) -> int:
    """Return 0..23."""
    return np.int64(local_s // 3_600.0) % 24


@njit(cache=True, nogil=True)
def weekday_of(local_s: float) -> int:
    """Return 0..6 from Monday; the epoch was a Thursday."""
    return (np.int64(local_s // 86_400.0) + 3) % 7
