"""Two states of one person become one: the sums add, the ages take the later moment.

All is as if both histories had been folded into one state, but for the cart (the contents of two open ones add up)
and the sessions (two that overlap become one, and still count as two visits).
"""

import numpy as np
from numba import njit

from features.advance import SESSION_GAP_US, keep_order
from features.decay import NEVER, US_PER_S, weight_of
from features.layout import (
    ANCHOR,
    CART_EMPTIED,
    CART_ITEMS,
    CART_OPENED,
    CART_TOUCHED,
    CART_VALUE,
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
    TRAIT_SLOTS,
    UTC_OFFSET,
    Floats,
    Tables,
)


@njit(cache=True, nogil=True)
def _merge_carts(into: Floats, other: Floats) -> None:
    emptied = max(into[CART_EMPTIED], other[CART_EMPTIED])
    a_open = into[CART_TOUCHED] > emptied and into[CART_ITEMS] > 0.0
    b_open = other[CART_TOUCHED] > emptied and other[CART_ITEMS] > 0.0
    into[CART_EMPTIED] = emptied
    if a_open and b_open:
        into[CART_ITEMS] += other[CART_ITEMS]
        into[CART_VALUE] += other[CART_VALUE]
        into[CART_OPENED] = min(into[CART_OPENED], other[CART_OPENED])
    elif b_open:
        into[CART_ITEMS] = other[CART_ITEMS]
        into[CART_VALUE] = other[CART_VALUE]
        into[CART_OPENED] = other[CART_OPENED]
    elif not a_open:
        into[CART_ITEMS] = 0.0
        into[CART_VALUE] = 0.0
        into[CART_OPENED] = max(into[CART_OPENED], other[CART_OPENED])
    into[CART_TOUCHED] = max(into[CART_TOUCHED], other[CART_TOUCHED])


@njit(cache=True, nogil=True)
def _merge_sessions(into: Floats, other: Floats) -> None:
    """Keep the later session; two that overlap become one."""
    overlap = (
        into[SESSION_START] - other[SESSION_LAST] <= SESSION_GAP_US
        and other[SESSION_START] - into[SESSION_LAST] <= SESSION_GAP_US
    )
    if overlap and into[SESSION_LAST] > NEVER and other[SESSION_LAST] > NEVER:
        into[SESSION_START] = min(into[SESSION_START], other[SESSION_START])
        into[SESSION_LAST] = max(into[SESSION_LAST], other[SESSION_LAST])
        into[SESSION_DEPTH] += other[SESSION_DEPTH]
        for slot in (CELLS_LOW, CELLS_HIGH):
            into[slot] = float(np.int64(into[slot]) | np.int64(other[slot]))
    elif other[SESSION_LAST] > into[SESSION_LAST]:
        for slot in range(SESSION_START, CELLS_HIGH + 1):
            into[slot] = other[slot]


@njit(cache=True, nogil=True)
def _merge_orders(into: Floats, other: Floats) -> None:
    into[ORDERS] += other[ORDERS]
    into[ORDER_FIRST] = min(into[ORDER_FIRST], other[ORDER_FIRST])
    for slot in range(ORDERS_FROM, ORDER_LAST + 1):
        keep_order(into, other[slot])


@njit(cache=True, nogil=True)
def _merge_offsets(into: Floats, other: Floats) -> None:
    """Keep the offset of the newer event; of two of the same moment the larger."""
    if other[OFFSET_AT] > into[OFFSET_AT]:
        into[UTC_OFFSET] = other[UTC_OFFSET]
        into[OFFSET_AT] = other[OFFSET_AT]
    elif other[OFFSET_AT] == into[OFFSET_AT] and into[OFFSET_AT] > NEVER:
        into[UTC_OFFSET] = max(into[UTC_OFFSET], other[UTC_OFFSET])


@njit(cache=True, nogil=True)
def _merge_traits(into: Floats, other: Floats, tables: Tables) -> None:
    """Keep what was told later; of the same moment what stands later in the log."""
    for slot in range(tables.end_slots[1], tables.end_slots[2], TRAIT_SLOTS):
        mine = (into[slot + 1], into[slot + 2], into[slot])
        theirs = (other[slot + 1], other[slot + 2], other[slot])
        if theirs > mine:
            into[slot : slot + TRAIT_SLOTS] = other[slot : slot + TRAIT_SLOTS]


@njit(cache=True, nogil=True)
def _merge_decayed(into: Floats, other: Floats, tables: Tables) -> None:
    anchor = max(into[ANCHOR], other[ANCHOR])
    if anchor == NEVER:
        return
    for i in range(tables.rates.size):
        mine = weight_of(tables, i, (anchor - into[ANCHOR]) / US_PER_S)
        theirs = weight_of(tables, i, (anchor - other[ANCHOR]) / US_PER_S)
        for slot in range(tables.groups[i, 0], tables.groups[i, 1]):
            into[slot] = into[slot] * mine + other[slot] * theirs
    into[ANCHOR] = anchor


@njit(cache=True, nogil=True)
def merge_states(into: Floats, other: Floats, tables: Tables) -> None:
    """Fold everything that `other` knows into `into`, in place; the order of the two does not matter."""
    _merge_decayed(into, other, tables)
    into[SEQ] = max(into[SEQ], other[SEQ])
    into[KNOWN_AT] = max(into[KNOWN_AT], other[KNOWN_AT])
    into[FIRST_AT] = min(into[FIRST_AT], other[FIRST_AT])
    for slot in range(tables.end_slots[0], tables.end_slots[1]):
        into[slot] = max(into[slot], other[slot])
    _merge_traits(into, other, tables)
    _merge_offsets(into, other)
    _merge_orders(into, other)
    _merge_carts(into, other)
    _merge_sessions(into, other)
