"""The steps of a sequence as a policy file says them."""

import pytest

from policy.channels import Route
from policy.source import PolicyRefused, parse

GIVEN = "triggers:\n- {name: a, on: x, threshold: 0.5, cool_down: 1d, endpoint: mail, channel: email, FIELDS}\n"


def a_trigger(fields):
    return parse(GIVEN.replace("FIELDS", fields)).triggers[0]


def test_a_step_leaves_to_the_trigger_and_a_branch_to_the_step_what_they_do_not_say():
    trigger = a_trigger(
        "content: {t: 1}, steps: [{after: 1h}, {after: 1h, threshold: 20%, channel: sms, content: {t: 2}, branches: ["
        "{when: {response: {is: opened}}, endpoint: other}, {when: {response: {is: clicked}}, content: {}}]}]"
    )
    first, second, third = trigger.plans

    assert second == first._replace(when=None)
    assert (first.threshold, third.threshold) == (0.5, 0.2)
    assert third.route == Route(("sms",), together=False, endpoint="mail", content={"t": 2})
    assert [each for _, each in third.branches] == [
        third.route._replace(endpoint="other"),
        third.route._replace(content={}),
    ]
    assert trigger.channels == {"email", "sms"}
    assert trigger.endpoints == {"mail", "other"}
    assert len(trigger.conditions) == 2


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("steps: [{}]", "triggers[0].steps[0].after: is missing"),
        ("steps: [{after: 0}]", "triggers[0].steps[0].after: must be greater than 0"),
        ("steps: [{after: 1h, wehn: 1}]", "triggers[0].steps[0].wehn: is not a field we know; did you mean when?"),
        ("steps: [{after: 1h, branches: [{}]}]", "triggers[0].steps[0].branches[0].when: is missing"),
        (
            "steps: [{after: 1h, branches: [{when: {response: {was: opened}}}]}]",
            "triggers[0].steps[0].branches[0].when.response.is: is missing",
        ),
        ("when: {response: {is: opened}}, steps: [{after: 1h}]", "triggers[0]: when asks for the response"),
        ("exit_when: {response: {is: opened}}", "triggers[0]: exit_when needs steps"),
        ("send: best_hour", "triggers[0]: send: best_hour needs send_within"),
        ("send_within: 15d", "triggers[0].send_within: may be 14d at most"),
        ("send_within: 1d, half_life: 6h", "triggers[0]: half_life needs send: best_hour"),
        ("send_within: 1d, send: best_hour, half_life: 0", "triggers[0].half_life: must be above 0"),
        ("content: {t: .nan}", "triggers[0].content: Out of range float values are not JSON compliant"),
        (f"content: {{t: {'x' * 8000}}}", "triggers[0].content: holds 8009 bytes as JSON, and may hold 8000"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(fields, why):
    with pytest.raises(PolicyRefused) as refused:
        a_trigger(fields)

    assert f"triggers.yaml:2: {why}" in str(refused.value)


def test_what_a_step_asks_for_is_known_to_the_policy():
    asks = "{intent: {horizon: 3d, at_least: 10%}}"
    policy = parse(GIVEN.replace("FIELDS", f"mode: live, steps: [{{after: 1h, endpoint: other, when: {asks}}}]"))

    assert policy.horizons == {"24h", "3d"}
    assert policy.endpoints == {"mail", "other"}
