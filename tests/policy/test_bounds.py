"""What follows from bounds: the law that an implication is never claimed where a person breaks it."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.bounds import Interval, implies
from policy.conditions import Condition
from tests.policy.persons import Person, seen


def a_condition(text):
    return Condition.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("strong", "weak", "follows"),
    [
        ("feature: {name: orders, at_least: 5}", "feature: {name: orders, more_than: 4}", True),
        ("feature: {name: orders, at_least: 4}", "feature: {name: orders, more_than: 4}", False),
        ("feature: {name: orders, is: 5}", "feature: {name: orders, at_least: 5, at_most: 5}", True),
        ("feature: {name: orders, is_not: 5}", "feature: {name: orders, at_most: 5}", False),
        ("feature: {name: orders, exists: true}", "feature: {name: orders, at_least: 0}", False),
        ("count: {event: x, exactly: 3}", "count: {event: x, at_least: 3}", True),
        ("count: {event: x, exactly: 3}", "count: {event: y, at_least: 3}", False),
        ("all: [{profile: {field: a, is: 1}}, {intent: {at_least: 30%}}]", "intent: {at_least: 20%}", True),
        ("intent: {at_least: 30%}", "any: [{profile: {field: a, is: 1}}, {intent: {at_least: 20%}}]", True),
        ("any: [{intent: {at_least: 30%}}, {intent: {at_least: 10%}}]", "intent: {at_least: 20%}", False),
    ],
)
def test_what_follows_from_what(strong, weak, follows):
    assert implies(a_condition(strong), a_condition(weak)) is follows


few = st.integers(0, 3)
said = st.dictionaries(st.sampled_from(["at_least", "more_than", "at_most", "less_than"]), few, min_size=1, max_size=2)
leaves = (
    said.map(lambda bounds: {"feature": {"name": "orders", **bounds}})
    | few.map(lambda n: {"feature": {"name": "orders", "is": n}})
    | few.map(lambda n: {"feature": {"name": "orders", "is_not": n}})
    | said.map(lambda bounds: {"count": {"event": "Quiz Done", **bounds}})
    | few.map(lambda n: {"count": {"event": "Quiz Done", "every": n + 1}})
)
joined = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=4,
)


@settings(max_examples=1000, deadline=None)
@given(joined, joined, st.none() | few, few)
def test_an_implication_that_is_claimed_is_never_broken(strong, weak, orders, quizzes):
    strong, weak = (Condition.model_validate(each) for each in (strong, weak))
    person = Person(
        features={} if orders is None else {"orders": float(orders)}, history=[seen("Quiz Done", 1)] * quizzes
    )

    assert not (implies(strong, weak) and strong.holds(person) and not weak.holds(person))


numbers = st.floats(allow_nan=False)
intervals = st.builds(Interval, numbers, numbers, st.booleans(), st.booleans())


def inside(value, of):
    above = value > of.low if of.low_open else value >= of.low
    return above and (value < of.high if of.high_open else value <= of.high)


@given(intervals, intervals, numbers)
def test_what_is_in_both_is_in_each(one, other, value):
    assert inside(value, one.both(other)) == (inside(value, one) and inside(value, other))
    assert not (inside(value, one) and one.is_empty)
