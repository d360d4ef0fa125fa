"""The carts of a day by its hits alone: opened by what is put in, closed by an order."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.carts.day import Hit


@dataclass(slots=True)
class Cart:
    """What somebody put together.

    Attributes:
        visitor: Whose it is.
        opened_at: When the first thing was put in, in microseconds.
        ordered_at: When it was ordered; None where it was not.
    """

    visitor: str
    opened_at: int
    ordered_at: int | None = None


def carts(hits: Sequence[Hit]) -> list[Cart]:
    """Return all carts in the order in which they were opened; `hits` are in order of time."""
    found: list[Cart] = []
    open_ones: dict[str, Cart] = {}
    for hit in hits:
        cart = open_ones.get(hit.visitor)
        if hit.event == "Product Added":
            if cart is None:
                cart = open_ones[hit.visitor] = Cart(hit.visitor, hit.at)
                found.append(cart)
        elif hit.event == "Order Completed" and cart is not None:
            cart.ordered_at = hit.at
            del open_ones[hit.visitor]
    return found
