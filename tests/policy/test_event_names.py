"""Which events a name of a policy file stands for."""

import pytest

from features.kinds import Kind
from policy.event_names import by_event, of_event
from policy.source import PolicyRefused, parse

TRIGGER = "triggers: [{name: a, on: '%s', threshold: 0%%, cool_down: 0, when: {count: {event: '%s', at_least: 1}}}]"


def test_what_goes_with_any_event_goes_with_each_in_the_order_of_the_file():
    index = by_event([("Product Viewed", "first"), ("*", "any"), ("Quiz Done", "last")])

    assert of_event(index, Kind.PRODUCT_VIEWED, "") == ("first", "any")
    assert of_event(index, Kind.PAGE_VIEWED, "") == ("any",)
    assert of_event(index, Kind.OTHER, "quiz done") == ("any", "last")
    assert of_event(index, Kind.OTHER, "Wheel Spun") == ("any",)


def test_two_spellings_of_an_event_are_one():
    assert by_event([("Quiz Done", "a"), ("quizDone", "a")]) == {"quizdone": ("a",)}


def test_any_event_may_ask_but_not_be_counted():
    assert of_event(parse(TRIGGER % ("*", "Page Viewed")).index, Kind.ORDER_COMPLETED, "")[0].name == "a"
    with pytest.raises(PolicyRefused, match="stands for any event, which only on and cancel_on may name"):
        parse(TRIGGER % ("*", "*"))
