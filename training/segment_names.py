"""Names of clusters: what sets each apart from the others, and the name it had before where it goes on."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.learned_segments import Centres
from training.clustering import matched
from training.log import Floats

BEHAVIOUR: Final = {
    "visits_hl30d": "visits",
    "views_hl7d": "views",
    "browsing_hl7d": "searches",
    "adds_hl7d": "cart-adds",
    "checkout_hl7d": "checkouts",
    "wishlist_hl30d": "wishes",
    "coupons_hl7d": "coupons",
    "orders_hl90d": "orders",
    "order_value": "order-value",
    "discount_share": "discounts",
    "clicks_hl30d": "message-clicks",
}
"""The features that clusters are learned from, and the word for each in a name."""
APART: Final = 0.5
"""Standard deviations from the mean of the other centres that are worth a word."""
WORDS: Final = 3


def apart(centres: Floats, features: Sequence[str]) -> list[list[tuple[str, float]]]:
    """Return for each centre which features set it apart from the mean of the others, the most first.

    By how many standard deviations of everybody stands with each.
    """
    others = (centres.sum(axis=0) - centres) / max(len(centres) - 1, 1)
    beyond = centres - others
    order = np.argsort(-np.abs(beyond), axis=1, kind="stable")
    return [[(features[i], float(each[i])) for i in row] for each, row in zip(beyond, order.tolist(), strict=True)]


def named(centres: Floats, features: Sequence[str], *, taken: Sequence[str] = ()) -> list[str]:
    """Return a name for each centre, such as `many-views-few-orders`; none twice, and none of those taken."""
    names: list[str] = []
    for parts in apart(centres, features):
        strong = [each for each in parts if abs(each[1]) >= APART][:WORDS]
        words = [f"{'many' if by > 0 else 'few'}-{BEHAVIOUR[name]}" for name, by in strong]
        tries = (
            ["-".join(words[:count]) for count in range(min(2, len(words)), len(words) + 1)] if words else ["average"]
        )
        tries += [f"{tries[0]}-{number}" for number in range(2, len(centres) + len(taken) + 3)]
        names.append(next(each for each in tries if each not in {*names, *taken}))
    return names


def names_of(new: Floats, mean: Floats, spread: Floats, features: tuple[str, ...], before: Centres | None) -> list[str]:
    """Return the name of each new centre: that of the old one it goes on, or one of its own.

    A name is what a policy holds on to. So one of before stays with the group it meant, and is given to no other.
    """
    if before is None or before.features != features:
        return named(new, features, taken=() if before is None else before.names)
    old = (before.centres * before.spread + before.mean - mean) / spread
    between = np.linalg.norm(new[:, np.newaxis] - new, axis=2) + np.diag(np.full(len(new), np.inf))
    distances = np.linalg.norm(old[:, np.newaxis] - new, axis=2)
    kept = matched(before.names, distances, between.min(axis=1))
    own = named(new, features, taken=before.names)
    return [fresh if each is None else each for each, fresh in zip(kept, own, strict=True)]
