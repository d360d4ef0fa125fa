"""Conditions: nested freely, read in words, and refused with their place."""

from math import nan

import pytest
import yaml

from features.kinds import Kind
from policy.conditions import Condition
from policy.source import PolicyRefused, parse
from tests.policy.persons import DAY, HOUR, Person, seen

NOW = 10 * DAY


def a_condition(text):
    return Condition.model_validate(yaml.safe_load(text))


def problem_of(when):
    lines = "".join(f"      {line}\n" for line in when.strip().splitlines())
    with pytest.raises(PolicyRefused) as refused:
        parse(f"triggers:\n  - name: a\n    on: x\n    threshold: 1\n    cool_down: 1d\n    when:\n{lines}")
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("all: [{profile: {field: a, is: 1}}, {profile: {field: b, is: 2}}]", True),
        ("all: [{profile: {field: a, is: 1}}, {profile: {field: b, is: 3}}]", False),
        ("any: [{profile: {field: a, is: 0}}, {profile: {field: b, is: 2}}]", True),
        ("any: [{profile: {field: a, is: 0}}, {profile: {field: b, is: 3}}]", False),
        ("not: {profile: {field: a, is: 1}}", False),
        ("not: {any: [{profile: {field: a, is: 0}}, {all: [{not: {profile: {field: b, is: 2}}}]}]}", True),
    ],
)
def test_conditions_nest_freely(text, holds):
    assert a_condition(text).holds(Person(fields={"a": 1, "b": 2})) is holds


def test_no_more_is_asked_than_it_takes():
    class Asked(Person):
        def recent(self, kind_or_name, since_us):
            raise AssertionError("history was fetched although the profile decided")

    text = "all: [{profile: {field: a, is: 1}}, {count: {event: x, at_least: 1}}]"

    assert not a_condition(text).holds(Asked(fields={"a": 2}))


@pytest.mark.parametrize(
    ("comparison", "value", "holds"),
    [
        ("is: 5", 5.0, True),
        ("is: 1", True, False),
        ("is: '5'", 5, False),
        ("is_not: gold", None, True),
        ("is_not: gold", "gold", False),
        ("in: [gold, 3]", 3, True),
        ("in: [gold, 3]", "3", False),
        ("at_least: 10%", 0.1, True),
        ("more_than: 5", 5, False),
        ("at_most: 5", "4", False),
        ("less_than: 5", None, False),
        ("less_than: 5", True, False),
        ("at_least: 2\nless_than: 4", 3, True),
        ("exists: true", 0, True),
        ("exists: false", nan, True),
        ("exists: false", "", False),
        ("contains: shoe", "red shoes", True),
        ("contains: shoe", ["shoe", 1], True),
        ("contains: shoe", ["shoes"], False),
        ("contains: 1", "1", False),
        ("contains: shoe", {"shoe": 1}, False),
        ("contains: shoe", 7, False),
        ("at_least: 1", [1], False),
    ],
)
def test_a_comparison_of_odd_things_is_not_so_and_never_an_error(comparison, value, holds):
    text = f"profile:\n  field: a\n  {comparison}".replace("\nless", "\n  less")

    assert a_condition(text).holds(Person(fields={"a": value})) is holds


def test_a_property_is_of_the_asking_event():
    condition = a_condition("event: {property: price, at_least: 20}")

    assert condition.holds(Person(event=seen("Product Added", NOW, price=20)))
    assert not condition.holds(Person(event=seen("Product Added", NOW)))
    assert not condition.holds(Person(event=None))


def test_a_feature_and_an_intent_without_an_answer_are_no_number():
    feature, intent = a_condition("feature: {name: orders, less_than: 5}"), a_condition("intent: {at_most: 50%}")

    assert feature.holds(Person(features={"orders": 2.0}))
    assert not feature.holds(Person())
    assert intent.holds(Person(intents={"24h": 0.5}))
    assert not intent.holds(Person(intents={"24h": nan}))
    assert not intent.holds(Person())


def test_a_condition_reads_like_a_sentence():
    text = """
    all:
      - count: {event: viewed product, within: 24h, at_least: 3, same: product, where: {property: price, is: 9.5}}
      - not_since: {event: Order Completed, same: product}
      - any:
          - intent: {horizon: 7d, at_least: 30%}
          - not: {profile: {field: tier, in: [gold, silver]}}
    """

    assert a_condition(text).sentence() == (
        "Product Viewed of the same product, its price is 9.5, happened at least 3 times within 1 day, "
        "and Order Completed of the same product has not happened since then, "
        "and (the chance of a purchase within 7d is at least 30 %, "
        "or it is not so that the person's tier is one of “gold”, “silver”)"
    )


def test_what_a_condition_may_ask_for_is_known_beforehand():
    reads = a_condition(
        """
        any:
          - not: {count: {event: Product Viewed, within: 24h, at_least: 3}}
          - last: {n: 3, of: Email Delivered, none: Email Opened, within: 30d}
          - not_since: {event: quiz done}
          - feature: {name: cart_value, at_least: 50}
          - intent: {horizon: 7d, at_least: 30%}
          - profile: {field: tier, exists: true}
        """
    ).reads

    assert reads.window_us == 30 * DAY
    assert reads.since_event
    assert reads.keys == {Kind.PRODUCT_VIEWED, Kind.EMAIL_DELIVERED, Kind.EMAIL_OPENED, "quizdone"}
    assert (reads.features, reads.intents, reads.profile) == ({"cart_value"}, {"7d"}, {"tier"})
    assert not a_condition("event: {property: price, exists: true}").reads.history


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("coutn: {event: x, at_least: 1}", "7: triggers[0].when.coutn: is not a field we know; did you mean count?"),
        (
            "all:\n  - count: {event: x, at_least: 1}\n  - not:\n      feature: {nmae: orders, is: 1}",
            "10: triggers[0].when.all[1].not.feature.nmae: is not a field we know; did you mean name?",
        ),
        (
            "feature: {name: cart_valu, is: 1}",
            "when.feature.name: is not a feature of the catalogue; did you mean cart_value?",
        ),
        ("count: {event: x, within: 3}", "7: triggers[0].when.count.within: must be a number with a unit"),
        ("count: {event: x}", "7: triggers[0].when.count: does not say how often"),
        ("count: {event: x, at_least: -1}", "when.count.at_least: must be greater than or equal to 0"),
        ("event: {property: price}", "7: triggers[0].when.event: says nothing of the value"),
        ("event: {property: price, at_least: ten}", "when.event.at_least: must be a percentage"),
        ("event: {property: price, at_least: yes}", "when.event.at_least: must be a percentage"),
        ("event: {property: price, is: .nan}", "when.event.is: must be a text, a number, true or false"),
        ("intent: {horizon: 24h}", "7: triggers[0].when.intent: says nothing of the probability"),
        ("intent: {at_least: 130%}", "when.intent.at_least: must be less than or equal to 1"),
        ("all: []", "7: triggers[0].when.all: must hold one at least"),
        (
            "event: {property: a, is: 1}\nprofile: {field: a, is: 1}",
            "6: triggers[0].when: holds event and profile at once: put each into a block of its own below all: or any:",
        ),
        ("{}", "triggers[0].when: is empty: it needs one of all, any, not, event"),
        ("all: " + "[{all: " * 30 + "1" + "}]" * 30, "triggers[0].when: is nested deeper than 20 conditions"),
    ],
)
def test_what_is_wrong_in_a_condition_is_named_with_its_place(when, problem):
    assert problem in problem_of(when)


def test_an_hour_is_an_hour_and_the_edge_is_outside():
    condition = a_condition("count: {event: Quiz Done, within: 1h, at_least: 1}")

    assert condition.holds(Person(history=[seen("quiz-done", NOW - HOUR + 1)]))
    assert not condition.holds(Person(history=[seen("quiz-done", NOW - HOUR)]))
    assert not condition.holds(Person(history=[seen("quiz-done", NOW + 1)]))
