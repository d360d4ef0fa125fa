"""Products to recommend to somebody: what goes with what they did lately, that they do not have and that can be had."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from features.kinds import Kind
from features.moments import DAY_US
from models.neighbours import JUST_BOUGHT_DAYS, MOST_SEEDS, RECOMMENDED, Neighbours
from policy.likeness import subjects
from policy.view import Seen
from serving.baskets import in_cart, last_viewed
from serving.driver import Driver
from serving.products import read

_INTEREST: Final = frozenset(
    {
        Kind.PRODUCT_CLICKED,
        Kind.PRODUCT_VIEWED,
        Kind.PRODUCT_ADDED,
        Kind.WISHLIST_ADDED,
        Kind.ORDER_COMPLETED,
    }
)
"""What baskets are learned from."""
_AT_ONCE: Final = 50


def recommendations(direct: Driver, known: Neighbours | None, events: Sequence[Seen]) -> list[dict[str, Any]]:
    """Return products of the shop, the likeliest first, RECOMMENDED at most.

    Never what is in the cart, what was viewed last, what was ordered within JUST_BOUGHT_DAYS before the last event,
    what is sold out, and what the shop never told anything of.

    Args:
        direct: Of the database, for what is told of products.
        known: What was learned; None where nothing was, which makes for no recommendations.
        events: What the person did, newest first.
    """
    if known is None:
        return []
    unwanted = {*in_cart(events), *last_viewed(events), *_just_bought(events)}
    candidates = (each for each in known.ranked(_seeds(events)) if each not in unwanted)
    return list(islice(_to_be_had(direct, candidates), RECOMMENDED))


def _seeds(events: Sequence[Seen]) -> list[str]:
    """Return the products that somebody showed an interest in, the latest first."""
    interested = (each for each in events if each.kind in _INTEREST)
    named = (product for each in interested for product in sorted(subjects("product", each.properties)))
    return list(islice(dict.fromkeys(named), MOST_SEEDS))


def _just_bought(events: Sequence[Seen]) -> Iterator[str]:
    since = max((each.occurred_at for each in events), default=0) - JUST_BOUGHT_DAYS * DAY_US
    for each in events:
        if each.kind == Kind.ORDER_COMPLETED and each.occurred_at >= since:
            yield from subjects("product", each.properties)


def _to_be_had(direct: Driver, candidates: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield what the shop tells of products, of those that it knows and has; what nobody asks for is not read."""
    while some := list(islice(candidates, _AT_ONCE)):
        told = read(direct, some)
        yield from (told[each] for each in some if each in told and told[each]["stock"] != 0)
