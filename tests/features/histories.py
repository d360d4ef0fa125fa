"""Histories of made-up people: what Hypothesis draws, and how it is folded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.events import FLAG_MACHINE, FLAG_SNAPSHOT, pack_record
from features.fold import UNLINKED, LogArrays
from features.kinds import Kind
from features.layout import Catalogue
from features.state import advance, empty
from features.traits import with_traits

laws = settings(deadline=None, max_examples=60, derandomize=True)

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
JULY = 1_498_867_200_000_000  # 2017-07-01T00:00:00Z, a Saturday
REVERSALS = frozenset({Kind.ORDER_REFUNDED, Kind.ORDER_CANCELLED})
CARTS = frozenset({Kind.CART_VIEWED, Kind.CHECKOUT_STARTED, Kind.CART_ABANDONED})


@dataclass(frozen=True)
class Happening:
    """One event as its record tells it, and when the log learned of it."""

    kind: Kind
    occurred_at: int = JULY
    known_at: int = JULY + 400 * DAY
    flags: int = 0
    utc_offset_s: float = nan
    amount: float = 0.0
    quantity: float = 0.0
    discount: float = 0.0
    product: int = 0
    items: float = 0.0
    traits: Mapping[str, object] = field(default_factory=dict, hash=False)
    """What its payload tells of the person."""

    @property
    def at(self) -> int:
        """When it counts as having happened."""
        return min(self.occurred_at, self.known_at)

    @property
    def plus_minus(self) -> int:
        return -1 if self.kind in REVERSALS else 1

    @property
    def machine(self) -> bool:
        return bool(self.flags & FLAG_MACHINE)

    @property
    def packed(self) -> bytes:
        """The record as a log keeps it."""
        return pack_record(
            self.occurred_at,
            self.kind,
            flags=self.flags,
            utc_offset_s=self.utc_offset_s,
            amount=self.amount,
            quantity=self.quantity,
            discount=self.discount,
            product=self.product,
            items=self.items,
            plus_minus=self.plus_minus,
        )

    @property
    def record(self) -> np.ndarray:
        """The record as it is folded."""
        return self.record_of(CATALOGUE)

    def record_of(self, catalogue: Catalogue) -> np.ndarray:
        payload = {"traits": dict(self.traits)} if self.traits else {}
        return np.frombuffer(with_traits(self.packed, payload, catalogue.traits), dtype="<f8")


LIKELY = [
    Kind.ORDER_COMPLETED,
    Kind.ORDER_CANCELLED,
    Kind.PRODUCT_VIEWED,
    Kind.PRODUCT_ADDED,
    Kind.PRODUCT_REMOVED,
    Kind.CART_VIEWED,
    Kind.EMAIL_OPENED,
]
# Made once: a strategy made anew for each draw is looked through anew, which took a third of the time of a law.
KINDS = st.sampled_from(list(Kind)) | st.sampled_from(LIKELY)
MACHINES = st.sampled_from([0, 0, 0, FLAG_MACHINE])
SNAPSHOTS = st.sampled_from([0, FLAG_SNAPSHOT])
QUANTITIES = st.integers(0, 4).map(float)
DISCOUNTS = st.sampled_from([0.0, 0.5])
PRODUCTS = st.sampled_from([0, 1, 64, 65, 2**52 - 1])
ITEMS = st.integers(0, 3).map(float)
AMOUNTS = st.sampled_from([0.0, 1.0, 9.99, 250.0])
KNOWN_OFFSETS = st.sampled_from([-12 * 3600.0, -5 * 3600.0, 0.0, 5.75 * 3600.0, 14 * 3600.0])
OFFSETS = st.just(nan) | KNOWN_OFFSETS
PAUSES = st.sampled_from([1, SECOND, 5 * MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 3 * HOUR, DAY, 20 * DAY])
LATENESS = st.sampled_from([0, 0, 0, -10 * MINUTE, 1, SECOND, 40 * MINUTE, 3 * HOUR, 2 * DAY, 40 * DAY])


@st.composite
def happenings(draw, amounts=AMOUNTS, offsets=OFFSETS):
    kind, flags = draw(KINDS), draw(MACHINES)
    if kind in CARTS:
        flags |= draw(SNAPSHOTS)
    return Happening(
        kind,
        flags=flags,
        utc_offset_s=draw(offsets),
        amount=draw(amounts),
        quantity=draw(QUANTITIES),
        discount=draw(DISCOUNTS),
        product=draw(PRODUCTS),
        items=draw(ITEMS),
    )


def histories(min_size=0, max_size=16, **kwargs):
    """Happenings in the order of their arrival, some of them late, some ahead of their time."""
    return arrivals(st.lists(happenings(**kwargs), min_size=min_size, max_size=max_size))


@st.composite
def arrivals(draw, happened):
    known_at, history = JULY, []
    for each in draw(happened):
        known_at += draw(PAUSES)
        history.append(replace(each, known_at=known_at, occurred_at=known_at - draw(LATENESS)))
    return history


def state_of(history: Sequence[Happening], *, catalogue=CATALOGUE) -> np.ndarray:
    """Fold one by one, as serving does."""
    state = empty(catalogue=catalogue)
    for seq, each in enumerate(history, start=1):
        advance(state, each.record_of(catalogue), each.known_at, seq, catalogue=catalogue)
    return state


def log_of(people: Sequence[Sequence[Happening]], *, catalogue: Catalogue = CATALOGUE) -> LogArrays:
    """One person after the other, nobody linked."""
    rows = [(user, each) for user, history in enumerate(people) for each in history]
    return log_of_rows([(user, each, UNLINKED) for user, each in rows], catalogue=catalogue)


def log_of_rows(rows: Sequence[tuple[int, Happening, int]], *, catalogue: Catalogue = CATALOGUE) -> LogArrays:
    """Rows of (user, happening, linked), numbered as they come."""
    return LogArrays(
        user=np.array([user for user, _, _ in rows], dtype=np.int64),
        known_at=np.array([each.known_at for _, each, _ in rows], dtype=np.int64),
        seq=np.arange(1, len(rows) + 1),
        records=np.array([each.record_of(catalogue) for _, each, _ in rows]).reshape(-1, catalogue.record_width),
        linked=np.array([linked for _, _, linked in rows], dtype=np.int64),
    )


def part_of(log: LogArrays, rows: np.ndarray) -> LogArrays:
    """These rows of the log, as they are."""
    return log.take(rows)


def end_of(history: Sequence[Happening]) -> int:
    return max((each.known_at for each in history), default=JULY)
