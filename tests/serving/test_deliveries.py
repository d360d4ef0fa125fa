"""What became of a message is told in words, with the word of the reason where there is one."""

import pytest
from sqlalchemy import insert

from features.moments import to_moment
from serving.deliveries import messages_of
from serving.schema import outbox
from tests.serving.databases import NOW, SECOND, connection

__all__ = ["connection"]
LATER = NOW + 300 * SECOND
QUIET = "It was within the quiet hours where the user lives."


def told(connection, *, channel="email", **fields):
    plain = {"status": "pending", "attempts": 0, "next_attempt_at": LATER, "lease_until": 0, "created_at": NOW}
    row = {
        "message_id": f"m-{channel}",
        "trigger_decision_id": "d.cart",
        "endpoint": "mail",
        "body": "{}",
        "due_at": NOW,
    }
    connection.execute(insert(outbox).values(row | plain | {"channel": channel} | fields))
    return messages_of(connection, ["d.cart", "d.other"])["d.cart"]


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({}, None, "The message waits to be sent."),
        ({"attempts": 1, "lease_until": LATER}, None, "The message is on its way, attempt 1."),
        (
            {"attempts": 2, "last_error": "the receiver answered 503"},
            None,
            "The message will be tried again after 2 attempts: the receiver answered 503.",
        ),
        ({"last_error": f"quiet_hours: {QUIET}"}, "quiet_hours", f"The message was put off: {QUIET}"),
        (
            {"status": "withdrawn", "last_error": "suppressed: complained"},
            "suppressed",
            "The message was withdrawn after 0 attempts: complained.",
        ),
        (
            {"status": "dead", "attempts": 10, "last_error": "no connection: Connection refused"},
            None,
            "The message was given up after 10 attempts: no connection: Connection refused.",
        ),
        (
            {"status": "delivered", "attempts": 1, "delivered_at": NOW},
            None,
            "The message was delivered, with 1 attempt.",
        ),
    ],
)
def test_each_fate_has_its_words(connection, fields, reason, words):
    [found] = told(connection, **fields)

    assert (found.status, found.reason, found.in_words) == (fields.get("status", "pending"), reason, words)
    assert found.attempts == fields.get("attempts", 0)


def test_only_a_message_that_waits_has_a_next_attempt_and_only_a_delivered_one_a_delivery(connection):
    [waiting] = told(connection)
    *_, under_way = told(connection, channel="push", lease_until=LATER, attempts=1)
    *_, delivered = told(connection, channel="sms", status="delivered", delivered_at=NOW + SECOND)

    assert (waiting.next_attempt_at, waiting.delivered_at) == (to_moment(LATER), None)
    assert (under_way.next_attempt_at, under_way.delivered_at) == (None, None)
    assert (delivered.next_attempt_at, delivered.delivered_at) == (None, to_moment(NOW + SECOND))


def test_a_decision_for_several_channels_has_a_message_for_each(connection):
    told(connection, channel="push")
    both = told(connection, channel="email")

    assert [each.channel for each in both] == ["email", "push"]
