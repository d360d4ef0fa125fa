"""The only code that changes a state: fold one event into it."""

import math

import numpy as np
from numba import njit

from features.activity import ELSEWHERE, PASSIVE, SESSION_GAP
from features.decay import NEVER, US_PER_S, decay, hour_of, local_seconds, weekday_of, weight_of
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
    RECORD_WIDTH,
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
    CELLS_HIGH,
    CELLS_LOW,
    FIRST_AT,
    KNOWN_AT,
    OFFSET_AT,
    ORDER_FIRST,
    ORDER_LAST,
    ORDERS,
    ORDERS_FROM,
    SEQ,
    SESSION_DEPTH,
    SESSION_LAST,
    SESSION_START,
    SESSION_STARTED,
    STAMP,
    TRAIT_SLOTS,
    UTC_OFFSET,
    Floats,
    Tables,
)

SESSION_GAP_US = SESSION_GAP.total_seconds() * US_PER_S
_PASSIVE = np.array([kind in PASSIVE for kind in range(SESSION_STARTED)])
_VISITS = np.array([kind not in PASSIVE | ELSEWHERE for kind in range(SESSION_STARTED)])
_OTHER = int(Kind.OTHER)
_ORDER = int(Kind.ORDER_COMPLETED)
_ADDED = int(Kind.PRODUCT_ADDED)
_REMOVED = int(Kind.PRODUCT_REMOVED)


@njit(cache=True, nogil=True)
def clear(state: Floats, tables: Tables) -> None:
    """Make `state` that of a person of whom nothing is known."""
    state[:] = 0.0
    state[STAMP] = tables.stamp
    state[KNOWN_AT] = NEVER
    state[ANCHOR] = NEVER
    state[UTC_OFFSET] = math.nan
    state[OFFSET_AT] = NEVER
    state[FIRST_AT] = math.inf
    state[ORDER_FIRST] = math.inf
    state[ORDERS_FROM : ORDER_LAST + 1] = NEVER
    state[CART_OPENED] = NEVER
    state[CART_TOUCHED] = NEVER
    state[CART_EMPTIED] = NEVER
    state[SESSION_START] = NEVER
    state[SESSION_LAST] = NEVER
    state[tables.end_slots[0] : tables.end_slots[2]] = NEVER


@njit(cache=True, nogil=True)
def keep_order(state: Floats, at: float) -> None:
    """Put the moment of an order among the latest ones, which ascend; the earliest of them is forgotten for it."""
    slot = ORDERS_FROM
    if at <= state[slot]:
        return
    while slot < ORDER_LAST and state[slot + 1] < at:
        state[slot] = state[slot + 1]
        slot += 1
    state[slot] = at


@njit(cache=True, nogil=True)
def _move(state: Floats, at: float, tables: Tables) -> float:
    """Decay the state to a newer event; return by how many seconds an older one is late."""
    if at < state[ANCHOR]:
        return (state[ANCHOR] - at) / US_PER_S
    if at > state[ANCHOR] > NEVER:
        decay(state, tables, (at - state[ANCHOR]) / US_PER_S)
    state[ANCHOR] = at
    return 0.0


@njit(cache=True, nogil=True)
def _utc_offset(state: Floats, record: Floats, at: float) -> float:
    """Return the event's own offset, else the last one known; keep that of the newest event which has one."""
    own = record[UTC_OFFSET_S]
    if math.isnan(own):
        return state[UTC_OFFSET]
    if at > state[OFFSET_AT] or (at == state[OFFSET_AT] and own > state[UTC_OFFSET]):
        state[UTC_OFFSET] = own
        state[OFFSET_AT] = at
    return own


@njit(cache=True, nogil=True)
def _visit(state: Floats, record: Floats, at: float) -> bool:
    """Fold activity into the current session; return whether it began one. A session long over is left alone."""
    began = at - state[SESSION_LAST] > SESSION_GAP_US
    if began:
        state[SESSION_START] = at
        state[SESSION_DEPTH] = 0.0
        state[CELLS_LOW] = 0.0
        state[CELLS_HIGH] = 0.0
    elif at < state[SESSION_START] - SESSION_GAP_US:
        return False
    state[SESSION_START] = min(state[SESSION_START], at)
    state[SESSION_LAST] = max(state[SESSION_LAST], at)
    state[SESSION_DEPTH] += 1.0
    if record[PRODUCT] > 0.0:
        cell = np.int64(record[PRODUCT]) % CELLS
        slot = CELLS_LOW if cell < CELLS // 2 else CELLS_HIGH
        state[slot] = float(np.int64(state[slot]) | (np.int64(1) << (cell % (CELLS // 2))))
    return began


@njit(cache=True, nogil=True)
def _order(state: Floats, at: float) -> None:
    state[ORDERS] += 1.0
    state[ORDER_FIRST] = min(state[ORDER_FIRST], at)
    keep_order(state, at)
    state[CART_EMPTIED] = max(state[CART_EMPTIED], at)
    if state[CART_TOUCHED] <= state[CART_EMPTIED]:
        state[CART_ITEMS] = 0.0
        state[CART_VALUE] = 0.0


@njit(cache=True, nogil=True)
def _take_out(state: Floats, record: Floats) -> None:
    """Remove from the cart; where no price is told, at the mean price of what is in it."""
    before = state[CART_ITEMS]
    state[CART_ITEMS] = max(0.0, before - record[QUANTITY])
    if record[AMOUNT] > 0.0:
        state[CART_VALUE] = max(0.0, state[CART_VALUE] - record[AMOUNT])
    elif before > 0.0:
        state[CART_VALUE] *= state[CART_ITEMS] / before


@njit(cache=True, nogil=True)
def _change_cart(state: Floats, record: Floats, kind: int, at: float) -> None:
    snapshot = (np.int64(record[FLAGS]) & FLAG_SNAPSHOT) != 0
    if at <= state[CART_EMPTIED] or (snapshot and at < state[CART_TOUCHED]):
        return
    before = state[CART_ITEMS]
    if snapshot:
        state[CART_ITEMS] = record[QUANTITY]
        state[CART_VALUE] = record[AMOUNT]
    elif kind == _ADDED:
        state[CART_ITEMS] += record[QUANTITY]
        state[CART_VALUE] += record[AMOUNT]
    elif kind == _REMOVED:
        _take_out(state, record)
    else:
        return
    if state[CART_ITEMS] <= 0.0:
        state[CART_VALUE] = 0.0
    elif before <= 0.0 or at < state[CART_OPENED]:
        state[CART_OPENED] = at
    state[CART_TOUCHED] = max(state[CART_TOUCHED], at)


@njit(cache=True, nogil=True)
def _add_to_tallies(state: Floats, record: Floats, kind: int, machine: bool, behind_s: float, tables: Tables) -> None:
    for i in range(tables.tallies_from[kind], tables.tallies_from[kind + 1]):
        column, sender = tables.tallies[i, 1], tables.tallies[i, 2]
        if sender == 0 or (sender == 2) == machine:
            value = record[PLUS_MINUS] if column == PLUS_MINUS else record[PLUS_MINUS] * record[column]
            state[tables.tallies[i, 0]] += value * weight_of(tables, tables.tallies[i, 3], behind_s)


@njit(cache=True, nogil=True)
def _act(state: Floats, record: Floats, kind: int, at: float, behind_s: float, tables: Tables) -> None:
    """Fold what a person, not a machine, did."""
    for i in range(tables.ages_from[kind], tables.ages_from[kind + 1]):
        state[tables.ages[i]] = max(state[tables.ages[i]], at)
    offset = _utc_offset(state, record, at)
    if _PASSIVE[kind]:
        return
    state[FIRST_AT] = min(state[FIRST_AT], at)
    if _VISITS[kind] and _visit(state, record, at):
        _add_to_tallies(state, record, SESSION_STARTED, False, behind_s, tables)
    local_s = local_seconds(at, offset)
    weight = weight_of(tables, tables.profile_half_life, behind_s)
    state[tables.profile_slot + hour_of(local_s)] += weight
    state[tables.profile_slot + 24 + weekday_of(local_s)] += weight


@njit(cache=True, nogil=True)
def _tell(state: Floats, record: Floats, at: float, seq: float, tables: Tables) -> None:
    """Keep what is told of the person's traits, whoever says so; of the same moment what stands later in the log."""
    column = RECORD_WIDTH
    for slot in range(tables.end_slots[1], tables.end_slots[2], TRAIT_SLOTS):
        if not math.isnan(record[column]) and at >= state[slot + 1]:
            state[slot] = record[column]
            state[slot + 1] = at
            state[slot + 2] = seq
        column += 1


@njit(cache=True, nogil=True)
def advance_state(state: Floats, record: Floats, known_at: float, seq: float, tables: Tables) -> None:
    """Fold one event into `state`, in place; an unheard-of kind counts as OTHER."""
    at = min(record[OCCURRED_AT], known_at)
    kind = np.int64(record[KIND])
    if kind < 0 or kind >= SESSION_STARTED:
        kind = np.int64(_OTHER)
    machine = (np.int64(record[FLAGS]) & FLAG_MACHINE) != 0
    behind_s = _move(state, at, tables)
    state[SEQ] = seq
    state[KNOWN_AT] = known_at
    _add_to_tallies(state, record, kind, machine, behind_s, tables)
    _tell(state, record, at, seq, tables)
    if not machine:
        _act(state, record, kind, at, behind_s, tables)
    if kind == _ORDER:
        _order(state, at)
    else:
        _change_cart(state, record, kind, at)
