from typing import NamedTuple

import pytest

from features.amounts import worth_of
from features.events import BadEvent, product_hash
from features.kinds import Kind
from features.mapping import EventMapping

MAPPING = EventMapping({"currency": {"shop": "EUR", "rates": {"USD": 0.5}}})
LINES = [{"product_id": "a", "price": 10, "quantity": 2, "discount": 1}, {"sku": "b", "price": "2.5"}]


class Worth(NamedTuple):
    amount: float
    quantity: float
    discount: float
    product: int
    items: int
    plus_minus: int
    snapshot: bool


def worth(kind, **properties):
    return Worth(*worth_of(kind, properties, MAPPING))


def test_an_order_is_worth_its_revenue_else_total_else_value_else_its_lines():
    order = {"revenue": 40, "total": 30, "value": 20, "products": LINES}

    for amount, name in ((40, "revenue"), (30, "total"), (20, "value"), (10 * 2 + 2.5, "")):
        assert worth(Kind.ORDER_COMPLETED, **order).amount == amount
        order.pop(name, None)


def test_an_order_without_products_may_be_one_line():
    found = worth(Kind.ORDER_COMPLETED, product_id="a", price=3, quantity=4)

    assert (found.amount, found.quantity, found.items, found.product) == (12, 4, 1, product_hash("a"))


def test_an_empty_id_is_none_and_gives_way_to_the_sku():
    assert worth(Kind.PRODUCT_VIEWED, product_id="", sku="s").product == product_hash("s")
    assert worth(Kind.PRODUCT_VIEWED, product_id="", sku="")[:5] == (0, 0, 0, 0, 0)
    assert worth(Kind.PRODUCT_VIEWED, product_id=0).product == product_hash("0")


def test_lines_quantities_and_discounts_are_added_up():
    found = worth(Kind.ORDER_COMPLETED, products=LINES)

    assert (found.items, found.quantity, found.discount) == (2, 3, 1)


def test_a_discount_of_the_whole_order_wins_over_those_of_its_lines():
    assert worth(Kind.ORDER_COMPLETED, discount=7, products=LINES).discount == 7


def test_a_product_event_is_worth_price_times_quantity_which_is_one_unless_said():
    assert worth(Kind.PRODUCT_ADDED, product_id="a", price=3, quantity=4).amount == 12
    assert worth(Kind.PRODUCT_ADDED, product_id="a", price=3)[:2] == (3, 1)
    assert worth(Kind.PRODUCT_VIEWED, value=3).amount == 3


def test_products_may_be_given_as_bare_ids():
    found = worth(Kind.CART_VIEWED, products=["a", 7])

    assert (found.items, found.quantity, found.product) == (2, 2, 0)
    assert worth(Kind.CART_VIEWED, products=["a"]).product == product_hash("a")


def test_a_cart_with_its_products_states_the_whole_cart_even_an_empty_one():
    assert worth(Kind.CART_VIEWED, products=[]).snapshot
    assert worth(Kind.CART_ABANDONED, products=LINES).snapshot
    assert not worth(Kind.CART_ABANDONED).snapshot
    assert not worth(Kind.ORDER_COMPLETED, products=LINES).snapshot


@pytest.mark.parametrize("kind", [Kind.ORDER_REFUNDED, Kind.ORDER_CANCELLED])
@pytest.mark.parametrize("sent", [12.5, -12.5])
def test_refunds_and_cancellations_take_their_amount_back(kind, sent):
    found = worth(kind, total=sent)

    assert (found.amount, found.plus_minus) == (12.5, -1)


def test_amounts_are_converted_to_the_shop_currency():
    found = worth(Kind.ORDER_COMPLETED, revenue=40, discount=10, products=[], currency="usd")

    assert (found.amount, found.discount) == (20, 5)
    assert worth(Kind.ORDER_COMPLETED, revenue=40, currency="EUR").amount == 40
    assert worth(Kind.PRODUCT_VIEWED, product_id="a", currency="GBP").amount == 0


def test_a_currency_without_a_rate_is_refused_by_its_name():
    with pytest.raises(BadEvent, match="'GBP' is neither the shop's currency \\(EUR\\)") as refused:
        worth(Kind.ORDER_COMPLETED, revenue=40, currency="GBP")

    assert (refused.value.field, refused.value.code) == ("properties.currency", "unknown_currency")


def test_events_without_goods_are_worth_nothing_whatever_they_carry():
    assert worth(Kind.OTHER, value="high", price="on request", products="none") == worth(Kind.EMAIL_OPENED)


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"revenue": -1}, "properties.revenue"),
        ({"revenue": True}, "properties.revenue"),
        ({"total": float("nan")}, "properties.total"),
        ({"value": "free"}, "properties.value"),
        ({"products": {}}, "properties.products"),
        ({"products": "a,b"}, "properties.products"),
        ({"products": [None]}, "properties.products[0]"),
        ({"products": [{}, 1.5]}, "properties.products[1]"),
        ({"products": [{}, {"price": -1}]}, "properties.products[1].price"),
        ({"products": [{"quantity": -1}]}, "properties.products[0].quantity"),
        ({"products": [{"quantity": float("inf")}]}, "properties.products[0].quantity"),
        ({"products": [{"price": []}]}, "properties.products[0].price"),
        ({"products": [{"product_id": {}}]}, "properties.products[0].product_id"),
        ({"products": [{"product_id": "\ud800"}]}, "properties.products[0].product_id"),
        ({"price": -1}, "properties.price"),
        ({"discount": -1, "products": []}, "properties.discount"),
        ({"revenue": 1, "currency": 5.5}, "properties.currency"),
    ],
)
def test_what_is_malformed_is_refused_by_its_place(properties, field):
    with pytest.raises(BadEvent) as refused:
        worth(Kind.ORDER_COMPLETED, **properties)

    assert refused.value.field == field
