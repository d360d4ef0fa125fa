"""The only code that turns a state into features: a formula of the state and the moment of the question."""

import math

import numpy as np
from numba import njit

from features.decay import NEVER, US_PER_S, local_seconds, weight_of
from features.layout import (
    ANCHOR,
    CART_ITEMS,
    CART_OPENED,
    CART_TOUCHED,
    CART_VALUE,
    CELLS,
    DAY_US,
    FIRST_AT,
    GAP_SQUARES,
    GAPS,
    HOUR_US,
    MINUTE_US,
    ORDER_FIRST,
    ORDER_LAST,
    ORDERS,
    READ_AGE,
    READ_CART,
    READ_GAP,
    READ_MOMENT,
    READ_RATIO,
    READ_SESSION,
    READ_SUM,
    SESSION_CELLS_HIGH,
    SESSION_CELLS_LOW,
    SESSION_DEPTH,
    SESSION_GAP_US,
    SESSION_LAST,
    SESSION_START,
    Floats,
    Ints,
    Tables,
)

PRIOR_EVENTS = 2.0
"""How many events, spread evenly, an activity profile starts from: few events then say little."""


@njit(cache=True, nogil=True)
def _read_tally(state: Floats, slot: int, group: int, elapsed_s: float, tables: Tables) -> float:
    return state[slot] * weight_of(tables, group, elapsed_s)


@njit(cache=True, nogil=True)
def _read_cart(state: Floats, fact: int, at: float) -> float:
    if fact == 0:
        return state[CART_ITEMS]
    if fact == 1:
        return state[CART_VALUE]
    if state[CART_ITEMS] <= 0.0:
        return math.nan
    return (at - (state[CART_OPENED] if fact == 2 else state[CART_TOUCHED])) / HOUR_US


@njit(cache=True, nogil=True)
def _cells_set(state: Floats) -> int:
    count = 0
    for slot in (SESSION_CELLS_LOW, SESSION_CELLS_HIGH):
        bits = np.int64(state[slot])
        while bits:
            bits &= bits - 1
            count += 1
    return count


@njit(cache=True, nogil=True)
def _read_session(state: Floats, fact: int, at: float) -> float:
    if at - state[SESSION_LAST] > SESSION_GAP_US:
        return 0.0
    if fact == 0:
        return (state[SESSION_LAST] - state[SESSION_START]) / MINUTE_US
    if fact == 1:
        return state[SESSION_DEPTH]
    # Linear counting (Whang et al. 1990): distinct products from the cells that are still free.
    free = max(1, CELLS - _cells_set(state))
    return CELLS * math.log(CELLS / free)


@njit(cache=True, nogil=True)
def _read_gap(state: Floats, fact: int, at: float) -> float:
    if state[ORDERS] < 2.0 or state[ORDER_LAST] <= state[ORDER_FIRST]:
        return math.nan
    mean_d = (state[ORDER_LAST] - state[ORDER_FIRST]) / DAY_US / (state[ORDERS] - 1.0)
    if fact == 0:
        return mean_d
    if fact == 2:
        return (at - state[ORDER_LAST]) / DAY_US / mean_d
    if state[GAPS] < 1.0:
        return math.nan
    mean_gap = (state[ORDER_LAST] - state[ORDER_FIRST]) / DAY_US / state[GAPS]
    return math.sqrt(max(0.0, state[GAP_SQUARES] / state[GAPS] - mean_gap * mean_gap))


@njit(cache=True, nogil=True)
def _hour_share(state: Floats, local: float, weight: float, tables: Tables) -> float:
    """Return the share of activity in this local hour and its two neighbours, shrunk to an even spread."""
    hour = np.int64(local // 3600.0) % 24
    total = 0.0
    for i in range(24):
        total += state[tables.profile_slot + i] * weight
    near = 0.0
    for step in range(-1, 2):
        near += state[tables.profile_slot + (hour + step) % 24] * weight
    return (near + PRIOR_EVENTS * 3.0 / 24.0) / (total + PRIOR_EVENTS)


@njit(cache=True, nogil=True)
def _next_day_share(state: Floats, local: float, weight: float, tables: Tables) -> float:
    """Return the share of activity on the weekdays of the coming 24 hours, shrunk to an even spread."""
    weekday = (np.int64(local // 86_400.0) + 3) % 7
    passed = (local % 86_400.0) / 86_400.0
    first = tables.profile_slot + 24
    total = 0.0
    for i in range(7):
        total += state[first + i] * weight
    ahead = (1.0 - passed) * state[first + weekday] * weight + passed * state[first + (weekday + 1) % 7] * weight
    return (ahead + PRIOR_EVENTS / 7.0) / (total + PRIOR_EVENTS)


@njit(cache=True, nogil=True)
def _read_moment(state: Floats, fact: int, at: float, elapsed_s: float, tables: Tables) -> float:
    local = local_seconds(state, at)
    if fact <= 1:
        angle = 2.0 * math.pi * (local % 86_400.0) / 86_400.0
        return math.sin(angle) if fact == 0 else math.cos(angle)
    if fact <= 3:
        angle = 2.0 * math.pi * ((np.int64(local // 86_400.0) + 3) % 7) / 7.0
        return math.sin(angle) if fact == 2 else math.cos(angle)
    if fact == 6:
        return math.nan if state[FIRST_AT] == math.inf else (at - state[FIRST_AT]) / DAY_US
    weight = weight_of(tables, tables.profile_half_life, elapsed_s)
    return _hour_share(state, local, weight, tables) if fact == 4 else _next_day_share(state, local, weight, tables)


@njit(cache=True, nogil=True)
def read_state(state: Floats, at: float, out: Floats, tables: Tables) -> None:
    """Write the features of `state` as of `at` (µs) into `out`; NaN where there is no answer."""
    elapsed_s = max(0.0, (at - state[ANCHOR]) / US_PER_S) if state[ANCHOR] > NEVER else 0.0
    for i in range(tables.ops.shape[0]):
        op, slot = tables.ops[i, 0], tables.ops[i, 1]
        if op == READ_SUM:
            out[i] = _read_tally(state, slot, tables.ops[i, 2], elapsed_s, tables)
        elif op == READ_RATIO:
            below = _read_tally(state, tables.ops[i, 3], tables.ops[i, 4], elapsed_s, tables)
            above = _read_tally(state, slot, tables.ops[i, 2], elapsed_s, tables)
            out[i] = above / below if below > 1e-12 else math.nan
        elif op == READ_AGE:
            out[i] = (at - state[slot]) / DAY_US if state[slot] > NEVER else math.nan
        elif op == READ_CART:
            out[i] = _read_cart(state, slot, at)
        elif op == READ_SESSION:
            out[i] = _read_session(state, slot, at)
        elif op == READ_GAP:
            out[i] = _read_gap(state, slot, at)
        elif op == READ_MOMENT:
            out[i] = _read_moment(state, slot, at, elapsed_s, tables)


@njit(cache=True, nogil=True)
def read_rows(states: Floats, at: Ints, tables: Tables) -> Floats:
    """Return the features of each row of `states` as of its own moment (µs)."""
    out = np.empty((states.shape[0], tables.ops.shape[0]))
    for row in range(states.shape[0]):
        read_state(states[row], at[row], out[row], tables)
    return out
