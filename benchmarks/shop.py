"""A made-up shop: the log of 100,000 people who come in sessions, look, put into carts, and sometimes order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.events import (
    AMOUNT,
    DISCOUNT,
    FLAGS,
    ITEMS,
    KIND,
    OCCURRED_AT,
    PLUS_MINUS,
    PRODUCT,
    QUANTITY,
    RECORD_WIDTH,
    UTC_OFFSET_S,
    product_hash,
)
from features.fold import UNLINKED, LogArrays
from features.kinds import Kind

DAY_S = 86_400
SHARES = {
    Kind.PRODUCT_VIEWED: 0.46,
    Kind.PAGE_VIEWED: 0.20,
    Kind.PRODUCTS_SEARCHED: 0.09,
    Kind.LIST_VIEWED: 0.05,
    Kind.PRODUCT_ADDED: 0.08,
    Kind.PRODUCT_REMOVED: 0.01,
    Kind.WISHLIST_ADDED: 0.01,
    Kind.CHECKOUT_STARTED: 0.02,
    Kind.ORDER_COMPLETED: 0.03,
    Kind.EMAIL_DELIVERED: 0.03,
    Kind.EMAIL_OPENED: 0.015,
    Kind.EMAIL_CLICKED: 0.005,
}
PRICED = (Kind.PRODUCT_VIEWED, Kind.PRODUCT_ADDED, Kind.PRODUCT_REMOVED, Kind.WISHLIST_ADDED, Kind.ORDER_COMPLETED)


@dataclass(frozen=True, slots=True)
class Shop:
    """A log in order of arrival; people are numbers from 0, moments integer microseconds."""

    user: NDArray[np.int64]
    known_at: NDArray[np.int64]
    records: NDArray[np.float64]
    users: int

    def __len__(self) -> int:
        return int(self.user.size)

    def arrays(self) -> LogArrays:
        """Return the log as the fold wants it: each person's rows together, in order of arrival."""
        order = np.argsort(self.user, kind="stable")
        return LogArrays(
            user=self.user[order],
            known_at=self.known_at[order],
            seq=order.astype(np.int64) + 1,
            records=self.records[order],
            linked=np.full(len(self), UNLINKED, dtype=np.int64),
        )


def made_up(*, users: int, events_per_user: float, until_us: int, days: int = 120, seed: int = 1) -> Shop:
    """Make a log that ends at `until_us`.

    Sessions a person are log-normal (many come once, some every day); a session holds five events on average, about
    40 s apart; orders are 3 % of events. Every person has at least one session.
    """
    drawn = np.random.default_rng(seed)
    per_session = 5.0
    sessions = np.maximum(1, drawn.lognormal(np.log(events_per_user / per_session) - 0.5, 1.0, users)).astype(np.int64)
    length = drawn.geometric(1 / per_session, sessions.sum())
    visitor = np.repeat(np.arange(users), sessions)
    start_s = drawn.uniform(0, days * DAY_S, visitor.size)
    user = np.repeat(visitor, length)
    gap_s = drawn.exponential(40.0, user.size)
    first = np.cumsum(length) - length
    elapsed_s = np.cumsum(gap_s)
    elapsed_s -= np.repeat(elapsed_s[first], length)
    occurred = until_us - ((days * DAY_S - np.repeat(start_s, length)) * 1e6 - elapsed_s * 1e6).astype(np.int64)
    order = np.argsort(occurred, kind="stable")
    records = _records(drawn, user.size)
    # A microsecond a row makes the moments strictly increasing, as the log's are.
    known_at = np.maximum.accumulate(occurred[order]) + np.arange(user.size) - user.size - 4 * 3_600_000_000
    records[:, OCCURRED_AT] = known_at
    return Shop(user[order], known_at, records, users)


def _records(drawn: np.random.Generator, rows: int) -> NDArray[np.float64]:
    kinds = drawn.choice([int(kind) for kind in SHARES], rows, p=np.array(list(SHARES.values())))
    products = np.array([product_hash(f"p-{number}") for number in range(5_000)], dtype=np.float64)
    priced = np.isin(kinds, [int(kind) for kind in PRICED])
    records = np.zeros((rows, RECORD_WIDTH))
    records[:, KIND] = kinds
    records[:, FLAGS] = 0
    records[:, UTC_OFFSET_S] = 3600.0
    records[:, AMOUNT] = np.where(priced, drawn.gamma(2.0, 20.0, rows).round(2), 0.0)
    records[:, QUANTITY] = np.where(priced, 1.0, 0.0)
    records[:, DISCOUNT] = np.where(kinds == Kind.ORDER_COMPLETED, drawn.gamma(1.0, 2.0, rows).round(2), 0.0)
    records[:, PRODUCT] = np.where(priced & (kinds != Kind.ORDER_COMPLETED), drawn.choice(products, rows), 0.0)
    records[:, ITEMS] = np.where(kinds == Kind.ORDER_COMPLETED, drawn.integers(1, 6, rows), 0.0)
    records[:, PLUS_MINUS] = 1.0
    return records
