"""Which product, category or cart an event is about, and whether two events are about the same one."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

Same = Literal["product", "category", "cart"]

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "product": ("product_id", "sku"),
    "category": ("category",),
    "cart": ("cart_id",),
}


def subjects(what: Same, properties: Mapping[str, Any]) -> frozenset[str]:
    """Return the products, categories or carts that an event names; none where it does not say.

    An order or a checkout names each of its `products`. A product goes by its `product_id`, else by its `sku`.
    """
    return frozenset(filter(None, (_first(_FIELDS[what], each) for each in _parts(what, properties))))


def _parts(what: Same, properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield properties
    lines = properties.get("products")
    if what != "cart" and isinstance(lines, (list, tuple)):
        yield from (each for each in lines if isinstance(each, Mapping))


def _first(fields: tuple[str, ...], properties: Mapping[str, Any]) -> str | None:
    for field in fields:
        value = properties.get(field)
        if isinstance(value, (str, int, float)) and value != "":
            return str(value)
    return None
