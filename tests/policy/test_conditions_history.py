"""Conditions on the past: counting, not since, and the last few messages."""

import pytest
import yaml

from policy.conditions import Condition
from tests.policy.persons import DAY, HOUR, Person, seen

NOW = 10 * DAY


def holds(text, *history, event=None, at=NOW):
    asking = event if event is not None else (history[-1] if history else None)
    return Condition.model_validate(yaml.safe_load(text)).holds(Person(at=at, history=[*history], event=asking))


def viewed(product, at, **more):
    return seen("Product Viewed", at, product_id=product, **more)


def test_this_product_is_counted_and_no_other():
    thrice = "count: {event: Product Viewed, within: 24h, at_least: 3, same: product}"
    twice = [viewed("a", NOW - 3 * HOUR), viewed("a", NOW - 2 * HOUR), viewed("b", NOW - HOUR)]

    assert not holds(thrice, *twice, event=twice[0])
    assert holds(thrice, *twice, viewed("a", NOW))
    assert not holds(thrice, *twice, viewed("b", NOW))


def test_an_event_that_names_no_product_shares_none():
    history = [seen("Product Viewed", NOW - n) for n in (2, 1, 0)]

    assert not holds("count: {event: Product Viewed, at_least: 1, same: product}", *history)
    assert holds("count: {event: Product Viewed, exactly: 3}", *history)


def test_only_events_whose_properties_are_as_asked_are_counted():
    text = "count: {event: Product Viewed, at_least: 2, where: [{property: price, more_than: 10}]}"
    history = [viewed("a", NOW - 2, price=5), viewed("a", NOW - 1, price=11)]

    assert not holds(text, *history)
    assert holds(text, *history, viewed("b", NOW, price=12))


@pytest.mark.parametrize(("orders", "fires"), [(0, False), (4, False), (5, True), (6, False), (10, True)])
def test_every_fifth_order_is_the_fifth_and_the_tenth(orders, fires):
    history = [seen("Order Completed", NOW - n * DAY) for n in reversed(range(orders))]

    assert holds("count: {event: Order Completed, every: 5}", *history) is fires


@pytest.mark.parametrize(
    ("order", "still"),
    [
        ({}, False),
        ({"products": [{"product_id": "a"}]}, False),
        ({"products": [{"product_id": "b"}]}, True),
        ({"products": [{"product_id": "b"}, {"product_id": "a"}]}, False),
        ({"product_id": "b", "products": "odd"}, True),
    ],
)
def test_what_names_no_product_may_have_been_this_one(order, still):
    """An order that does not say what was bought speaks against a message; one of something else does not."""
    view = viewed("a", NOW - HOUR)

    bought = seen("Order Completed", NOW - HOUR + 1, **order)
    assert holds("not_since: {event: Order Completed, same: product}", view, bought, event=view) is still


def test_not_since_looks_only_at_what_came_after():
    text = "not_since: {event: Order Completed}"
    cart = seen("Product Added", NOW - HOUR)

    assert holds(text, seen("Order Completed", NOW - 2 * HOUR), cart)
    assert not holds(text, cart, seen("Order Completed", NOW), event=cart)
    assert not Condition.model_validate(yaml.safe_load(text)).holds(Person())


def test_not_since_another_event_is_since_the_last_of_it_or_at_all():
    text = "not_since: {event: Order Completed, since: Email Opened, within: 7d}"
    order, old, opened = (seen("Order Completed", NOW - n * DAY) for n in (2, 8, 3))
    opened = seen("Email Opened", NOW - 3 * DAY)
    again = seen("Email Opened", NOW - DAY)

    assert not holds(text, opened, order)
    assert holds(text, opened, order, again)
    assert holds(text, old)
    assert not holds(text, order)


def test_the_last_three_mails_were_not_opened():
    text = "last: {n: 3, of: Email Delivered, none: Email Opened}"
    mails = [seen("Email Delivered", NOW - n * DAY, email_id=str(n)) for n in (4, 3, 2, 1)]
    opened = seen("Email Opened", NOW - 1, email_id="4")

    assert holds(text, *mails)
    assert not holds(text, *mails[2:]), "two are not three"
    assert not holds(text, *mails, opened), "any opening counts where nothing tells them apart"
    assert holds(text.replace("}", ", by: email_id}"), *mails, opened), "it was an older one that was opened"
    assert not holds(text.replace("}", ", by: email_id}"), *mails, seen("Email Opened", NOW, email_id="2"))
