"""A made-up shop: people who look around, fill carts and order, each at their own pace and on their own weekdays."""

import numpy as np

from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY, MINUTE, Happening


def a_shop(*, people=250, days=60, seed=3, orders=True):
    """Return rows of a log: visits of some views each, half of them ending in a cart, a third of those in an order."""
    random = np.random.default_rng(seed)
    pace = random.gamma(1.5, 0.15, people)
    favourite = random.integers(0, 7, people)
    rows = []
    for who in range(people):
        for day in range(days):
            if random.random() < pace[who] * (3.0 if day % 7 == favourite[who] else 0.6):
                rows += _visit(f"anonymous:{who}", JULY + day * DAY + int(random.integers(24 * HOUR)), random, orders)
    rows.sort(key=lambda row: row[1].known_at)
    return rows


def _visit(who, at, random, orders):
    def did(kind, after_min, **values):
        moment = at + int(after_min * MINUTE)
        return who, Happening(kind, occurred_at=moment, known_at=moment, utc_offset_s=7200.0, **values), None

    views = int(random.integers(1, 5))
    rows = [did(Kind.PRODUCT_VIEWED, i, product=int(random.integers(1, 50))) for i in range(views)]
    if random.random() < 0.5:
        rows.append(did(Kind.PRODUCT_ADDED, views, quantity=1.0, amount=20.0, product=3))
        if orders and random.random() < 0.35:
            rows.append(did(Kind.ORDER_COMPLETED, views + 30, amount=20.0, items=1.0))
    return rows
