"""The only code that changes a state: fold one event into it."""

import math

import numpy as np
from numba import njit

from features.decay import NEVER, US_PER_S, decay, local_seconds, weight_of
from features.events import (
    AMOUNT,
    FLAG_MACHINE,
    FLAG_SNAPSHOT,
    FLAGS,
    KIND,
    OCCURRED_AT,
    PLUS_MINUS,
    PRODUCT,
    QUANTITY,
    UTC_OFFSET_S,
)
from features.kinds import Kind
from features.layout import (
    ANCHOR,
    CART_EMPTIED,
    CART_ITEMS,
    CART_OPENED,
    CART_TOUCHED,
    CART_VALUE,
    CELLS,
    DAY_US,
    FIRST_AT,
    GAP_SQUARES,
    GAPS,
    KNOWN_AT,
    ORDER_FIRST,
    ORDER_LAST,
    ORDERS,
    SEQ,
    SESSION_CELLS_HIGH,
    SESSION_CELLS_LOW,
    SESSION_DEPTH,
    SESSION_GAP_US,
    SESSION_LAST,
    SESSION_START,
    SESSION_STARTED,
    STAMP,
    UTC_OFFSET,
    Floats,
    Tables,
)

_NOT_ACTIVITY = (
    Kind.EMAIL_SENT,
    Kind.EMAIL_DELIVERED,
    Kind.EMAIL_BOUNCED,
    Kind.EMAIL_SPAM,
    Kind.PUSH_RECEIVED,
    Kind.PUSH_BOUNCED,
    Kind.SMS_SENT,
    Kind.SMS_DELIVERED,
    Kind.SMS_FAILED,
    Kind.EXPERIMENT_VIEWED,
    Kind.IDENTIFIED,
    Kind.GROUPED,
    Kind.LINKED,
    Kind.CONSENT_CHANGED,
    Kind.ORDER_UPDATED,
    Kind.ORDER_REFUNDED,
    Kind.ORDER_CANCELLED,
)
ACTIVITY = frozenset(kind for kind in Kind if kind not in _NOT_ACTIVITY)
"""What a person does, as against what is done to or written about them."""

_ACTIVITY_MASK = np.uint64(sum(1 << kind for kind in ACTIVITY))
_ONE = np.uint64(1)
_ORDER = float(Kind.ORDER_COMPLETED)
_ADDED = float(Kind.PRODUCT_ADDED)
_REMOVED = float(Kind.PRODUCT_REMOVED)


@njit(cache=True, nogil=True)
def clear(state: Floats, tables: Tables) -> None:
    """Make `state` that of a person of whom nothing is known."""
    state[:] = 0.0
    state[STAMP] = tables.stamp
    state[KNOWN_AT] = NEVER
    state[ANCHOR] = NEVER
    state[UTC_OFFSET] = math.nan
    state[FIRST_AT] = math.inf
    state[ORDER_FIRST] = math.inf
    state[ORDER_LAST] = NEVER
    state[CART_OPENED] = NEVER
    state[CART_TOUCHED] = NEVER
    state[CART_EMPTIED] = NEVER
    state[SESSION_START] = NEVER
    state[SESSION_LAST] = NEVER
    for slot in tables.age_slots:
        state[slot] = NEVER


@njit(cache=True, nogil=True)
def _visit(state: Floats, record: Floats, at: float) -> bool:
    """Fold activity into the current session; return whether it began one. A session passed by is left alone."""
    if at - state[SESSION_LAST] > SESSION_GAP_US:
        state[SESSION_START] = at
        state[SESSION_DEPTH] = 0.0
        state[SESSION_CELLS_LOW] = 0.0
        state[SESSION_CELLS_HIGH] = 0.0
        began = True
    elif at < state[SESSION_START] - SESSION_GAP_US:
        return False
    else:
        began = False
    state[SESSION_START] = min(state[SESSION_START], at)
    state[SESSION_LAST] = max(state[SESSION_LAST], at)
    state[SESSION_DEPTH] += 1.0
    if record[PRODUCT] > 0.0:
        cell = np.int64(record[PRODUCT]) % CELLS
        slot = SESSION_CELLS_LOW if cell < 32 else SESSION_CELLS_HIGH
        state[slot] = float(np.int64(state[slot]) | (np.int64(1) << (cell % 32)))
    return began


@njit(cache=True, nogil=True)
def _order(state: Floats, at: float) -> None:
    state[ORDERS] += 1.0
    state[ORDER_FIRST] = min(state[ORDER_FIRST], at)
    if at > state[ORDER_LAST]:
        if state[ORDER_LAST] > NEVER:
            gap_d = (at - state[ORDER_LAST]) / DAY_US
            state[GAPS] += 1.0
            state[GAP_SQUARES] += gap_d * gap_d
        state[ORDER_LAST] = at
    state[CART_EMPTIED] = max(state[CART_EMPTIED], at)
    if state[CART_TOUCHED] <= state[CART_EMPTIED]:
        state[CART_ITEMS] = 0.0
        state[CART_VALUE] = 0.0


@njit(cache=True, nogil=True)
def _fill_cart(state: Floats, record: Floats, at: float) -> None:
    if at <= state[CART_EMPTIED]:
        return
    snapshot = (np.int64(record[FLAGS]) & FLAG_SNAPSHOT) != 0
    if snapshot and at < state[CART_TOUCHED]:
        return
    before = state[CART_ITEMS]
    if snapshot:
        state[CART_ITEMS] = record[QUANTITY]
        state[CART_VALUE] = record[AMOUNT]
    elif record[KIND] == _ADDED:
        state[CART_ITEMS] += record[QUANTITY]
        state[CART_VALUE] += record[AMOUNT]
    elif record[KIND] == _REMOVED:
        state[CART_ITEMS] = max(0.0, state[CART_ITEMS] - record[QUANTITY])
        state[CART_VALUE] = max(0.0, state[CART_VALUE] - record[AMOUNT])
    else:
        return
    if before <= 0.0 and state[CART_ITEMS] > 0.0:
        state[CART_OPENED] = at
    if state[CART_ITEMS] <= 0.0:
        state[CART_VALUE] = 0.0
    state[CART_TOUCHED] = max(state[CART_TOUCHED], at)


@njit(cache=True, nogil=True)
def _add_to_profile(state: Floats, at: float, weight: float, tables: Tables) -> None:
    local = local_seconds(state, at)
    hour = np.int64(local // 3600.0) % 24
    weekday = (np.int64(local // 86_400.0) + 3) % 7
    state[tables.profile_slot + hour] += weight
    state[tables.profile_slot + 24 + weekday] += weight


@njit(cache=True, nogil=True)
def _move(state: Floats, record: Floats, at: float, tables: Tables) -> float:
    """Decay the state to a newer event; return by how many seconds an older one is late."""
    if at < state[ANCHOR]:
        return (state[ANCHOR] - at) / US_PER_S
    if state[ANCHOR] > NEVER and at > state[ANCHOR]:
        decay(state, tables, (at - state[ANCHOR]) / US_PER_S)
    state[ANCHOR] = at
    if not math.isnan(record[UTC_OFFSET_S]):
        state[UTC_OFFSET] = record[UTC_OFFSET_S]
    return 0.0


@njit(cache=True, nogil=True)
def _tally(state: Floats, record: Floats, bits: int, machine: bool, behind_s: float, tables: Tables) -> None:
    for i in range(tables.masks.size):
        sender = tables.tallies[i, 2]
        if (tables.masks[i] & bits) != 0 and (sender == 0 or (sender == 2) == machine):
            column = tables.tallies[i, 1]
            value = record[PLUS_MINUS] if column == PLUS_MINUS else record[PLUS_MINUS] * record[column]
            state[tables.tallies[i, 0]] += value * weight_of(tables, tables.tallies[i, 3], behind_s)


@njit(cache=True, nogil=True)
def advance_state(state: Floats, record: Floats, known_at: float, seq: float, tables: Tables) -> None:
    """Fold one event into `state`, in place."""
    at = min(record[OCCURRED_AT], known_at)
    behind_s = _move(state, record, at, tables)
    state[SEQ] = seq
    state[KNOWN_AT] = known_at
    bits = _ONE << np.uint64(record[KIND])
    machine = (np.int64(record[FLAGS]) & FLAG_MACHINE) != 0
    if (bits & _ACTIVITY_MASK) != 0 and not machine:
        state[FIRST_AT] = min(state[FIRST_AT], at)
        if _visit(state, record, at):
            bits |= _ONE << np.uint64(SESSION_STARTED)
        _add_to_profile(state, at, weight_of(tables, tables.profile_half_life, behind_s), tables)
    _tally(state, record, bits, machine, behind_s, tables)
    if not machine:
        for i in range(tables.age_masks.size):
            if (tables.age_masks[i] & bits) != 0:
                state[tables.age_slots[i]] = max(state[tables.age_slots[i]], at)
    if record[KIND] == _ORDER:
        _order(state, at)
    else:
        _fill_cart(state, record, at)
