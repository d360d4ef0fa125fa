"""Exponential decay and local time: what advancing, merging and reading a state share."""

import math

from numba import njit

from features.layout import UTC_OFFSET, Floats, Tables

US_PER_S = 1e6
NEVER = -math.inf


@njit(cache=True, nogil=True)
def decay(state: Floats, tables: Tables, seconds: float) -> None:
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
def local_seconds(state: Floats, at: float) -> float:
    offset = state[UTC_OFFSET]
    return at / US_PER_S + (0.0 if math.isnan(offset) else offset)
