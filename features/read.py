"""The only code that turns a state into features: a formula of the state and the moment of the question."""

import math

import numpy as np
from numba import njit

from features.activity import ORDERS_KEPT, PROFILE_PRIOR, SHORTEST_MEAN_GAP
from features.advance import SESSION_GAP_US
from features.decay import DAY_US, HOUR_US, MINUTE_US, NEVER, US_PER_S, hour_of, local_seconds, weekday_of, weight_of
from features.declare import CartFact, GapFact, Moment, SessionFact
from features.layout import (
    ANCHOR,
    CART_ITEMS,
    CART_OPENED,
    CART_TOUCHED,
    CART_VALUE,
    CELLS,
    CELLS_HIGH,
    CELLS_LOW,
    FIRST_AT,
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
    READ_TRAIT,
    SESSION_DEPTH,
    SESSION_LAST,
    SESSION_START,
    UTC_OFFSET,
    Floats,
    Ints,
    Tables,
)

# Facts go by their place in their enumeration.
_ITEMS, _VALUE, _AGE_H, _ = range(len(CartFact))
_LENGTH_MIN, _DEPTH, _ = range(len(SessionFact))
_MEAN_D, _SPREAD_D, _ = range(len(GapFact))
_HOUR_SIN, _HOUR_COS, _WEEKDAY_SIN, _WEEKDAY_COS, _HOUR_SHARE, _, _TENURE_D = range(len(Moment))

LEAST_BELOW = 1e-12
"""A tally below this is what rounding left of nothing, and no answer can be relative to it."""
_SHORTEST_MEAN_GAP_D = SHORTEST_MEAN_GAP.total_seconds() * US_PER_S / DAY_US
_EVEN_HOURS, _EVEN_DAY = PROFILE_PRIOR * 3.0 / 24.0, PROFILE_PRIOR / 7.0


@njit(cache=True, nogil=True)
def _read_ratio(above: float, below: float) -> float:
    return above / below if below > LEAST_BELOW else math.nan


@njit(cache=True, nogil=True)
def _read_cart(state: Floats, fact: int, at: float) -> float:
    if fact == _ITEMS:
        return state[CART_ITEMS]
    if fact == _VALUE:
        return state[CART_VALUE]
    if state[CART_ITEMS] <= 0.0:
        return math.nan
    return (at - (state[CART_OPENED] if fact == _AGE_H else state[CART_TOUCHED])) / HOUR_US


@njit(cache=True, nogil=True)
def _distinct_products(state: Floats) -> float:
    """Return how many products filled this many cells, by linear counting (Whang et al. 1990)."""
    filled = 0
    for slot in (CELLS_LOW, CELLS_HIGH):
        bits = np.int64(state[slot])
        while bits:
            bits &= bits - 1
            filled += 1
    return CELLS * math.log(CELLS / max(1, CELLS - filled))


@njit(cache=True, nogil=True)
def _read_session(state: Floats, fact: int, at: float) -> float:
    if at - state[SESSION_LAST] > SESSION_GAP_US:
        return 0.0
    if fact == _LENGTH_MIN:
        return (state[SESSION_LAST] - state[SESSION_START]) / MINUTE_US
    if fact == _DEPTH:
        return state[SESSION_DEPTH]
    return _distinct_products(state)


@njit(cache=True, nogil=True)
def _gap_spread_d(state: Floats) -> float:
    """Return the standard deviation of the gaps between the latest orders; no answer from a single gap."""
    gaps = min(state[ORDERS], float(ORDERS_KEPT)) - 1.0
    if gaps < 2.0:
        return math.nan
    first = ORDER_LAST - np.int64(gaps)
    mean_d = (state[ORDER_LAST] - state[first]) / DAY_US / gaps
    squares = 0.0
    for slot in range(first, ORDER_LAST):
        squares += ((state[slot + 1] - state[slot]) / DAY_US - mean_d) ** 2
    return math.sqrt(squares / gaps)


@njit(cache=True, nogil=True)
def _read_gap(state: Floats, fact: int, at: float) -> float:
    if state[ORDERS] < 2.0:
        return math.nan
    if fact == _SPREAD_D:
        return _gap_spread_d(state)
    mean_d = (state[ORDER_LAST] - state[ORDER_FIRST]) / DAY_US / (state[ORDERS] - 1.0)
    if fact == _MEAN_D:
        return mean_d
    return (at - state[ORDER_LAST]) / DAY_US / max(mean_d, _SHORTEST_MEAN_GAP_D)


@njit(cache=True, nogil=True)
def _hour_share(state: Floats, local_s: float, weight: float, first: int) -> float:
    """Return the share of activity in this local hour and its two neighbours, shrunk to an even spread."""
    hour = hour_of(local_s)
    total = 0.0
    for slot in range(first, first + 24):
        total += state[slot]
    near = state[first + (hour + 23) % 24] + state[first + hour] + state[first + (hour + 1) % 24]
    return (near * weight + _EVEN_HOURS) / (total * weight + PROFILE_PRIOR)


@njit(cache=True, nogil=True)
def _next_day_share(state: Floats, local_s: float, weight: float, first: int) -> float:
    """Return the share of activity on the weekdays of the coming 24 hours, shrunk to an even spread."""
    weekday = weekday_of(local_s)
    passed = (local_s % 86_400.0) / 86_400.0
    total = 0.0
    for slot in range(first, first + 7):
        total += state[slot]
    ahead = (1.0 - passed) * state[first + weekday] + passed * state[first + (weekday + 1) % 7]
    return (ahead * weight + _EVEN_DAY) / (total * weight + PROFILE_PRIOR)


@njit(cache=True, nogil=True)
def _read_calendar(fact: int, local_s: float) -> float:
    if fact in (_HOUR_SIN, _HOUR_COS):
        angle = 2.0 * math.pi * (local_s % 86_400.0) / 86_400.0
        return math.sin(angle) if fact == _HOUR_SIN else math.cos(angle)
    angle = 2.0 * math.pi * weekday_of(local_s) / 7.0
    return math.sin(angle) if fact == _WEEKDAY_SIN else math.cos(angle)


@njit(cache=True, nogil=True)
def _read_moment(state: Floats, fact: int, at: float, weight: float, tables: Tables) -> float:
    if fact == _TENURE_D:
        return math.nan if state[FIRST_AT] == math.inf else (at - state[FIRST_AT]) / DAY_US
    local_s = local_seconds(at, state[UTC_OFFSET])
    if fact <= _WEEKDAY_COS:
        return _read_calendar(fact, local_s)
    if fact == _HOUR_SHARE:
        return _hour_share(state, local_s, weight, tables.profile_slot)
    return _next_day_share(state, local_s, weight, tables.profile_slot + 24)


@njit(cache=True, nogil=True)
def _weights(state: Floats, at: float, tables: Tables) -> Floats:
    """Return for each half-life what is left at `at` of what the state says."""
    elapsed_s = max(0.0, (at - state[ANCHOR]) / US_PER_S) if state[ANCHOR] > NEVER else 0.0
    weights = np.empty(tables.rates.size)
    for i in range(weights.size):
        weights[i] = weight_of(tables, i, elapsed_s)
    return weights


@njit(cache=True, nogil=True)
def read_state(state: Floats, at: float, out: Floats, tables: Tables) -> None:
    """Write the features of `state` as of `at` (µs) into `out`; NaN where there is no answer."""
    weights = _weights(state, at, tables)
    for i in range(tables.ops.shape[0]):
        op, slot = tables.ops[i, 0], tables.ops[i, 1]
        if op == READ_SUM:
            out[i] = state[slot] * weights[tables.ops[i, 2]]
        elif op == READ_RATIO:
            below = state[tables.ops[i, 3]] * weights[tables.ops[i, 4]]
            out[i] = _read_ratio(state[slot] * weights[tables.ops[i, 2]], below)
        elif op == READ_AGE:
            out[i] = (at - state[slot]) / DAY_US if state[slot] > NEVER else math.nan
        elif op == READ_CART:
            out[i] = _read_cart(state, slot, at)
        elif op == READ_SESSION:
            out[i] = _read_session(state, slot, at)
        elif op == READ_GAP:
            out[i] = _read_gap(state, slot, at)
        elif op == READ_MOMENT:
            out[i] = _read_moment(state, slot, at, weights[tables.profile_half_life], tables)
        elif op == READ_TRAIT:
            out[i] = state[slot] if state[slot] > NEVER else math.nan


@njit(cache=True, nogil=True)
def read_rows(states: Floats, at: Ints, tables: Tables) -> Floats:
    """Return the features of each row of `states` as of its own moment (µs)."""
    out = np.empty((states.shape[0], tables.ops.shape[0]))
    for row in range(states.shape[0]):
        read_state(states[row], float(at[row]), out[row], tables)
    return out
