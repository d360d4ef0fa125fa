"""What a person may choose without a login, and what they chose."""

import pytest

from policy.guards import Standing
from policy.source import parse
from serving.preferences import Choice, choices, emptied
from serving.tokens import OptOut
from tests.policy.persons import words

ASKED = OptOut("u", "email", "marketing", "m-1")
POLICY = """
format: 1
triggers:
  - {name: a, on: Product Added, threshold: 0, cool_down: 1h, mode: live, hold_out: {share: 0.1, salt: s},
     channel: push, guards: {purpose: tips, consent: legitimate_interest}}
  - {name: b, on: Product Added, threshold: 0, cool_down: 1h, mode: live, hold_out: {share: 0.1, salt: s}}
  - {name: c, on: Product Added, threshold: 0, cool_down: 1h, mode: live, class: transactional, channel: sms}
"""


def test_there_is_to_choose_what_the_link_is_about_and_what_triggers_send_by_channels_of_ours():
    assert choices(Standing(), parse(POLICY), ASKED) == [
        Choice("marketing", "email", is_on=False),
        Choice("tips", "push", is_on=True),
    ]


@pytest.mark.parametrize(
    ("standing", "is_on"),
    [
        (Standing(), False),
        (Standing(consents=words({("marketing", "email"): True})), True),
        (Standing(consents=words({("marketing", "*"): True})), True),
        (Standing(consents=words({("marketing", "*"): True, ("marketing", "email"): False})), False),
        (Standing(consents=words({("marketing", "email"): True}), suppressed={"email": "unsubscribed"}), False),
        (Standing(consents=words({("marketing", "email"): True}), suppressed={"*": "manual"}), False),
        (Standing(consents=words({("marketing", "email"): True}), suppressed={"sms": "bounced"}), True),
    ],
)
def test_a_box_is_ticked_where_nothing_bars_a_message(standing, is_on):
    assert choices(standing, parse("triggers: []"), ASKED) == [Choice("marketing", "email", is_on)]


def test_a_channel_is_given_up_with_the_last_of_its_purposes():
    before = [
        Choice("a", "email", True),
        Choice("b", "email", False),
        Choice("a", "sms", True),
        Choice("a", "push", False),
    ]

    assert emptied(before, {"a:sms"}) == ["email"]
    assert emptied(before, {"b:email"}) == ["sms"]
    assert emptied(before, {"a:email", "a:sms"}) == []
    assert emptied(before, set()) == ["email", "sms"]
