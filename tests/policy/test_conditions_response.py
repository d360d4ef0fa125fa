"""What became of the last message of a sequence."""

import pytest

from policy.conditions_response import RESPONSES, ResponseTest
from policy.source import parse
from policy.view import SentMessage
from tests.policy.persons import DAY, HOUR, Person, seen

SENT = SentMessage("d.t", 9 * DAY, frozenset({"msg_1", "msg_2"}))


def holds(what, *history, message=SENT):
    return ResponseTest.model_validate({"is": what}).holds(Person(history=list(history), message=message))


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("delivered", "Email Delivered"),
        ("delivered", "Push Notification Received"),
        ("opened", "Email Opened"),
        ("clicked", "Email Link Clicked"),
        ("clicked", "SMS Clicked"),
        ("tapped", "Push Notification Tapped"),
        ("bounced", "SMS Failed"),
    ],
)
@pytest.mark.parametrize("named", [{"decision_id": "d.t"}, {"message_id": "msg_2"}])
def test_an_event_that_names_the_message_says_what_became_of_it(what, name, named):
    assert holds(what, seen(name, 9 * DAY + HOUR, **named))
    assert not any(holds(other, seen(name, 9 * DAY + HOUR, **named)) for other in RESPONSES.keys() - {what})


def test_another_message_an_earlier_event_and_no_message_say_nothing():
    opened = seen("Email Opened", 9 * DAY + HOUR, decision_id="d.t")

    assert not holds("opened", seen("Email Opened", 9 * DAY + HOUR, decision_id="e.t", message_id="msg_3"))
    assert not holds("opened", seen("Email Opened", 9 * DAY + HOUR))
    assert not holds("opened", seen("Email Opened", 9 * DAY, decision_id="d.t"))
    assert not holds("opened", opened, message=None)
    assert holds("opened", opened)


def test_it_is_told_in_words():
    steps = "steps: [{after: 1h, when: {not: {response: {is: clicked}}}}]"
    trigger = parse(f"triggers:\n- {{name: a, on: x, threshold: 0, cool_down: 0, {steps}}}").triggers[0]

    assert trigger.steps[0].when.sentence() == "it is not so that the last message was clicked"
