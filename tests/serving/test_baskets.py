"""Carts and viewed products, read from what a person did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kinds import NAMES, Kind
from policy.view import Seen
from serving.baskets import MOST_LINES, MOST_VIEWED, cart, viewed
from serving.driver import driver
from serving.products import upsert
from tests.serving.databases import NOW, a_database

LAMP = {"product_id": "p-1", "name": "Lamp", "price": 2.5, "currency": "EUR"}


def did(*happened):
    """What somebody did, newest first, as the log has it."""
    return [Seen(kind, NAMES[kind], at, at, said) for at, (kind, said) in enumerate(happened, start=1)][::-1]


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    with a_database(tmp_path_factory.mktemp("db")) as database, database.begin() as connection:
        told = {"product_id": "p-2", "name": "Bed", "price": 100.0, "currency": "EUR", "attributes": {"size": 2}}
        upsert(connection, [told], at=NOW)
        yield driver(connection)


def test_additions_count_up_and_removals_down(direct):
    found = cart(
        direct,
        did(
            (Kind.PRODUCT_ADDED, LAMP | {"quantity": 2}),
            (Kind.PRODUCT_ADDED, LAMP),
            (Kind.PRODUCT_ADDED, {"sku": "p-2"}),
            (Kind.PRODUCT_REMOVED, {"product_id": "p-1", "quantity": "1"}),
        ),
    )

    lamp = LAMP | {"quantity": 2}
    bed = {
        "product_id": "p-2",
        "name": "Bed",
        "price": 100.0,
        "currency": "EUR",
        "quantity": 1,
        "attributes": {"size": 2},
    }
    assert found == {"products": [lamp, bed], "count": 3, "value": 105.0, "currency": "EUR"}


@pytest.mark.parametrize("kind", [Kind.CART_VIEWED, Kind.CHECKOUT_STARTED])
def test_whoever_lists_the_cart_says_all_of_it(direct, kind):
    listed = kind, {"products": [{"product_id": "p-9", "quantity": 4}, "junk", {"name": "nameless"}]}
    found = cart(direct, did((Kind.PRODUCT_ADDED, LAMP), listed, (Kind.PRODUCT_ADDED, {"product_id": "p-8"})))

    assert [(each["product_id"], each["quantity"]) for each in found["products"]] == [("p-9", 4), ("p-8", 1)]
    assert "value" not in found


def test_a_look_at_the_cart_that_lists_nothing_says_nothing_of_it(direct):
    assert cart(direct, did((Kind.PRODUCT_ADDED, LAMP), (Kind.CART_VIEWED, {})))["count"] == 1


def test_an_order_empties_it(direct):
    assert cart(direct, did((Kind.PRODUCT_ADDED, LAMP), (Kind.ORDER_COMPLETED, {}))) == {"products": [], "count": 0}


def test_of_two_currencies_there_is_no_sum(direct):
    other = {"product_id": "p-9", "price": 1, "currency": "USD"}

    assert "value" not in cart(direct, did((Kind.PRODUCT_ADDED, LAMP), (Kind.PRODUCT_ADDED, other)))


def test_the_latest_products_are_shown_first_and_once(direct):
    looks = [(Kind.PRODUCT_VIEWED, {"product_id": f"v-{n % 15}"}) for n in range(40)]

    found = [each["product_id"] for each in viewed(direct, did(*looks))]

    assert found == [f"v-{n % 15}" for n in range(39, 39 - MOST_VIEWED, -1)]


def test_a_link_that_leads_nowhere_on_the_web_is_left_out(direct):
    said = LAMP | {"url": "javascript:alert(1)", "image_url": "https://shop.example/1.jpg"}

    [found] = viewed(direct, did((Kind.PRODUCT_VIEWED, said)))

    assert found == LAMP | {"image_url": "https://shop.example/1.jpg"}


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
junk = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
names = st.sampled_from(["product_id", "sku", "name", "price", "quantity", "currency", "url", "products"])
lines = st.dictionaries(names, junk | st.just("p-1") | st.just(3))
kinds = st.sampled_from([Kind.PRODUCT_ADDED, Kind.PRODUCT_REMOVED, Kind.CART_VIEWED, Kind.PRODUCT_VIEWED])


@given(st.lists(st.tuples(kinds, lines | lines.map(lambda each: {"products": [each, each]})), max_size=8))
def test_whatever_events_say_a_cart_has_lines_with_something_in_them(direct, happened):
    found = cart(direct, did(*happened))

    assert len(found["products"]) <= MOST_LINES
    assert all(each["product_id"] and each["quantity"] > 0 for each in found["products"])
    assert found["count"] == sum(each["quantity"] for each in found["products"])
    assert len(viewed(direct, did(*happened))) <= MOST_VIEWED
