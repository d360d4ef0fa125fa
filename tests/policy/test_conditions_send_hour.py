"""How sure the best hour of a person's day is."""

import pytest

from policy.conditions import Condition
from policy.doubts import doubts
from policy.send_hours import PRIOR_CONFIDENCE
from policy.source import PolicyRefused, parse
from tests.policy.persons import Person


def a_policy(confidence):
    when = f"{{send_hour: {{confidence: {confidence}}}}}"
    return parse(
        f"segments: [{{name: sure, when: {when}}}]\n"
        f"triggers: [{{name: a, on: x, threshold: 0, cool_down: 0, when: {{not: {when}}}}}]\n"
    )


@pytest.mark.parametrize(
    ("bounds", "sure", "holds"),
    [
        ({"at_least": "50%"}, 0.5, True),
        ({"at_least": "50%"}, 0.49, False),
        ({"more_than": 0.5}, 0.5, False),
        ({"at_most": "50%", "more_than": "10%"}, 0.2, True),
        ({"less_than": "50%"}, 0.0, True),
    ],
)
def test_it_holds_within_its_bounds(bounds, sure, holds):
    assert Condition.model_validate({"send_hour": {"confidence": bounds}}).holds(Person(confidence=sure)) is holds


def test_the_prior_is_sure_of_nothing():
    assert PRIOR_CONFIDENCE == 0.0


def test_it_is_said_in_words():
    condition = Condition.model_validate({"send_hour": {"confidence": {"at_least": "50%", "less_than": 0.9}}})

    assert condition.sentence() == "the best hour of their day is sure by at least 50 % and less than 90 %"


@pytest.mark.parametrize(
    ("confidence", "why"),
    [
        ("{}", "segments[0].when.send_hour.confidence: does not say how sure: add one of at_least, more_than"),
        ("{at_least: 150%}", "segments[0].when.send_hour.confidence.at_least: must be "),
        ("{is: 1}", "segments[0].when.send_hour.confidence.is: is not a field we know"),
    ],
)
def test_what_says_nothing_of_it_is_refused_with_its_place(confidence, why):
    with pytest.raises(PolicyRefused) as refused:
        a_policy(confidence)

    assert f":1: {why}" in str(refused.value)


def test_lint_says_what_no_prior_can_be():
    asked = "asks that “the best hour of their day is sure by at least 50 %”, which never holds until a send-hour model"

    found = doubts(a_policy("{at_least: 50%}"))

    assert found == [f"{whose} {asked} is in service" for whose in ("segment sure", "trigger a")]
    assert doubts(a_policy("{less_than: 50%}")) == []


def test_whoever_is_in_such_a_segment_is_looked_at_with_each_of_their_events():
    assert a_policy("{at_least: 50%}").segment_rules.watched == {"sure"}
