"""Carts are opened by what is put in and closed by an order."""

from demo.carts.carts import Cart, carts
from demo.carts.day import Hit


def hits(*told):
    return [Hit(visitor, at, event, {}, str(at), names_itself=False) for at, visitor, event in told]


def test_an_order_closes_a_cart_and_what_is_added_then_opens_another():
    found = carts(
        hits(
            (1, "a", "Product Added"),
            (2, "b", "Product Added"),
            (3, "a", "Product Added"),
            (4, "a", "Order Completed"),
            (5, "a", "Order Completed"),
            (6, "a", "Product Added"),
            (7, "c", "Order Completed"),
        )
    )

    assert found == [Cart("a", 1, 4), Cart("b", 2), Cart("a", 6)]
