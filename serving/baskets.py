"""What lies in a person's cart and what they looked at last, by the log, with what the shop tells of each product."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from features.events import BadEvent
from features.kinds import Kind
from features.values import not_negative
from policy.likeness import subjects
from policy.view import Seen
from serving.driver import Driver
from serving.links import is_web_address
from serving.products import read

MOST_LINES: Final = 50
MOST_VIEWED: Final = 10
_CHANGES: Final = frozenset(
    {Kind.PRODUCT_ADDED, Kind.PRODUCT_REMOVED, Kind.ORDER_COMPLETED, Kind.CART_VIEWED, Kind.CHECKOUT_STARTED}
)
_TEXTS: Final = ("name", "currency", "category", "brand", "variant")
_LINKS: Final = ("url", "image_url")
_LONGEST: Final = 500

Line = dict[str, Any]
"""A product as templates see it: `product_id`, and whatever else is known."""


def cart(direct: Driver, events: Sequence[Seen]) -> dict[str, Any]:
    """Return the cart: what was added since the last order, and not removed.

    Args:
        direct: Of the database, for what is told of products.
        events: What the person did, newest first.

    Returns:
        `products`, in the order in which they were put in; `count`, of items; and where every price is known, in one
        currency, `value` and `currency`.
    """
    found = _described(direct, list(in_cart(events).values())[-MOST_LINES:])
    whole = {"products": found, "count": sum(each["quantity"] for each in found)}
    currencies = {each.get("currency") for each in found}
    if found and len(currencies) == 1 and all("price" in each for each in found):
        whole["value"] = round(sum(each["price"] * each["quantity"] for each in found), 2)
        whole["currency"] = currencies.pop()
    return whole


def viewed(direct: Driver, events: Sequence[Seen]) -> list[Line]:
    """Return the products that somebody looked at, each once, the latest first; `events` are newest first."""
    return _described(direct, list(last_viewed(events).values()))


def in_cart(events: Sequence[Seen]) -> dict[str, Line]:
    """Return what events say of the products in the cart, by product, in the order in which they were put in."""
    lines: dict[str, Line] = {}
    for event in sorted((each for each in events if each.kind in _CHANGES), key=lambda each: each.occurred_at):
        _change(lines, event)
    return lines


def last_viewed(events: Sequence[Seen]) -> dict[str, Line]:
    """Return what events say of the products that somebody looked at, by product, the latest first."""
    lines: dict[str, Line] = {}
    for event in events:
        if event.kind == Kind.PRODUCT_VIEWED and len(lines) < MOST_VIEWED:
            for key, line in _lines([event.properties]).items():
                lines.setdefault(key, line)
    return lines


def _change(lines: dict[str, Line], event: Seen) -> None:
    named = event.properties.get("products")
    if event.kind == Kind.ORDER_COMPLETED:
        lines.clear()
    elif event.kind in (Kind.CART_VIEWED, Kind.CHECKOUT_STARTED):
        if isinstance(named, list):
            # A shop that says what is in the cart knows better than the sum of what was told before.
            lines.clear()
            lines.update(_quantified(named))
    else:
        sign = 1 if event.kind == Kind.PRODUCT_ADDED else -1
        for key, line in _quantified([event.properties]).items():
            left = lines.get(key, {}).get("quantity", 0) + sign * line["quantity"]
            if left > 0:
                lines[key] = {**lines.get(key, {}), **line, "quantity": left}
            else:
                lines.pop(key, None)


def _quantified(properties: Sequence[Any]) -> dict[str, Line]:
    found = _lines(properties)
    for line in found.values():
        line.setdefault("quantity", 1)
    return found


def _lines(properties: Sequence[Any]) -> dict[str, Line]:
    """Return what events say of products, by product; what they say in another type than they should is left out."""
    found: dict[str, Line] = {}
    for each in properties:
        if not isinstance(each, Mapping):
            continue
        own = {name: value for name, value in each.items() if name != "products"}
        for key in subjects("product", own):
            found[key] = {"product_id": key, **_told(own)}
    return found


def _told(properties: Mapping[str, Any]) -> Line:
    told: Line = {}
    for name in (*_TEXTS, *_LINKS):
        value = properties.get(name)
        if isinstance(value, str) and value and (name in _TEXTS or is_web_address(value)):
            told[name] = value[:_LONGEST] if name in _TEXTS else value
    for name in ("price", "quantity"):
        number = _number(properties.get(name))
        if number is not None and (name == "price" or number > 0):
            told[name] = number
    return told


def _number(value: object) -> float | None:
    """Return an amount as the features read it, a whole one without decimals; None for what is none."""
    try:
        number = not_negative(value, "")
    except BadEvent:
        return None
    return int(number) if number is not None and number.is_integer() else number


def _described(direct: Driver, lines: list[Line]) -> list[Line]:
    """Return the lines with what the shop tells of their products, which goes before what events said."""
    told = read(direct, [each["product_id"] for each in lines]) if lines else {}
    return [{**each, **_known(told.get(each["product_id"], {}))} for each in lines]


def _known(product: Mapping[str, Any]) -> Line:
    return {name: value for name, value in product.items() if value is not None}
