"""Tests beside a trigger, as a policy file says them."""

from datetime import timedelta
from math import isnan

import pytest

from policy.source import parse
from tests.policy.test_source import problems_of

DAY_US = 86_400_000_000
POLICY = """\
triggers:
  - name: t
    on: Product Added
    threshold: 10%
    cool_down: 1d
    tests:
"""


def read(text):
    [trigger] = parse(POLICY + text).triggers
    return trigger.tests[0]


def refusal(text):
    return problems_of(POLICY + text)


def test_what_is_said_of_an_event_besides_its_name_and_moment_are_its_properties():
    test = read("      - {name: n, given: [{event: Product Added, product_id: p, at: 30 min}], expect: []}")

    assert test.given[0].properties == {"product_id": "p"}
    assert test.given[0].at == timedelta(minutes=30)
    assert test.expect == ()


def test_one_expectation_needs_no_list():
    test = read("      - {name: n, given: [{event: E, at: 0}], expect: {at: 0, action: send}}")

    assert test.expect[0].is_met_by("send", "sent", 0, ("email",))
    assert not test.expect[0].is_met_by("hold", "capped", 0, ())
    assert test.expect[0].words() == "send"


@pytest.mark.parametrize(("step", "channels", "met"), [(1, ("sms",), True), (0, ("sms",), False), (1, (), False)])
def test_a_step_and_a_channel_may_be_expected(step, channels, met):
    test = read("      - {name: n, given: [{event: E, at: 0}], expect: {at: 0, step: 1, channels: sms}}")

    assert test.expect[0].is_met_by("send", "sent", step, channels) is met
    assert test.expect[0].words() == "any decision, at step 1, by sms"


@pytest.mark.parametrize(
    ("written", "found"),
    [("30%", {"24h": 0.3, "7d": 0.3}), ("{24h: 30%, every: 1%}", {"24h": 0.3, "7d": 0.01})],
)
def test_an_intent_is_of_every_horizon_or_of_those_named(written, found):
    test = read(f"      - {{name: n, intent: {written}, given: [{{event: E, at: 0}}], expect: []}}")

    assert test.probabilities(frozenset({"24h", "7d"})) == found


def test_a_horizon_that_is_not_named_has_no_answer():
    test = read("      - {name: n, intent: {24h: 30%}, given: [{event: E, at: 0}], expect: []}")

    assert isnan(test.probabilities(frozenset({"7d"}))["7d"])


def test_the_beginning_is_a_time_of_day_where_the_person_lives():
    beginning = "start: 21:30, day: 2024-07-01, zone: America/New_York"  # four hours behind UTC in July
    test = read(f"      - {{name: n, {beginning}, given: [{{event: E, at: 0}}], expect: []}}")

    assert test.starts_at % DAY_US == timedelta(hours=1, minutes=30) // timedelta(microseconds=1)
    assert test.starts_at // DAY_US == 19906  # days from 1970-01-01 to 2024-07-02


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "{name: n, given: [{event: E}], expect: []}",
            "triggers.yaml:7: triggers[0].tests[0].given[0].at: is missing",
        ),
        (
            "{name: n, given: [], expect: []}",
            "triggers.yaml:7: triggers[0].tests[0].given: must hold one at least",
        ),
        (
            "{name: n, given: [{event: E, at: 0}], expect: {at: 0, reson: sent}}",
            "triggers.yaml:7: triggers[0].tests[0].expect[0].reson: is not a field we know; did you mean reason?",
        ),
        (
            "{name: n, given: [{event: E, at: soon}], expect: []}",
            (
                "triggers.yaml:7: triggers[0].tests[0].given[0].at: "
                "must be a number with a unit, such as 30 min, 24h or 7d (is 'soon')"
            ),
        ),
    ],
)
def test_what_is_wrong_in_a_test_is_named_with_line_and_field(written, said):
    assert refusal(f"      - {written}\n") == [said]


def test_a_reason_that_nobody_knows_is_refused():
    [problem] = refusal("      - {name: n, given: [{event: E, at: 0}], expect: {at: 0, reason: lucky}}\n")

    assert problem.startswith("triggers.yaml:7: triggers[0].tests[0].expect[0].reason: must be 'sent'")


def test_the_version_of_a_policy_does_not_know_its_tests():
    without = POLICY.removesuffix("    tests:\n")
    tested = POLICY + "      - {name: n, given: [{event: E, at: 0}], expect: []}\n"

    assert parse(tested).version == parse(without).version
