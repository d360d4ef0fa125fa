"""What comes back from a message through its links."""

import pytest

from features.normalise import normalise
from serving.reactions import MINUTE_US, Sent, clicked, is_machine, is_too_soon, opened, unsubscribed
from serving.scanners import TOO_FAST_US
from serving.tokens import OptOut
from tests.serving.asking import MAPPING

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MESSAGE = Sent("msg_" + "0" * 32, "u-1", "d-1.cart", 1_000)
AT = 28_000_000 * MINUTE_US


@pytest.mark.parametrize(
    ("headers", "machine"),
    [
        ({b"user-agent": FIREFOX}, False),
        ({b"user-agent": FIREFOX, b"sec-purpose": b""}, False),
        ({b"user-agent": FIREFOX, b"sec-purpose": b"prefetch"}, True),
        ({b"user-agent": FIREFOX, b"purpose": b"preview"}, True),
        ({b"user-agent": FIREFOX, b"x-moz": b"prefetch"}, True),
        ({b"user-agent": b"Googlebot/2.1"}, True),
        ({b"user-agent": b"\xff\xfe Mimecast"}, True),
        ({b"user-agent": b" "}, True),
        ({}, True),
    ],
)
def test_whoever_asks_ahead_of_a_person_is_a_machine(headers, machine):
    assert is_machine(headers, MAPPING) is machine


def test_nobody_reads_sooner_than_a_person_can():
    assert is_too_soon(MESSAGE, at=1_000 + TOO_FAST_US - 1)
    assert not is_too_soon(MESSAGE, at=1_000 + TOO_FAST_US)
    assert is_too_soon(MESSAGE._replace(delivered_at=None), at=AT)


def test_within_a_minute_the_same_reaction_is_one_event_and_a_machines_is_another():
    def ids(*calls):
        return {normalise(each, received_at=AT, mapping=MAPPING).message_id for each in calls}

    link = "https://a.example/" + "x" * 2000
    assert len(ids(*(clicked(MESSAGE, link, machine=False, at=AT + each) for each in (0, MINUTE_US - 1)))) == 1
    assert len(ids(*(opened(MESSAGE, machine=each, at=AT) for each in (True, False)))) == 2
    assert len(ids(*(clicked(MESSAGE, each, machine=False, at=AT) for each in (link, "https://b.example")))) == 2
    assert len(ids(*(opened(MESSAGE, machine=False, at=AT + each) for each in (0, MINUTE_US)))) == 2
    assert max(map(len, ids(clicked(MESSAGE, link, machine=False, at=AT)))) <= 100


def test_an_unsubscription_names_channel_purpose_and_decision_and_is_never_one_that_was_there():
    asked = OptOut("anonymous:a-1", "sms", "news", MESSAGE.message_id)
    events = [normalise(unsubscribed(asked, "sms", MESSAGE), received_at=AT, mapping=MAPPING) for _ in range(2)]

    assert (events[0].user_id, events[0].anonymous_id) == (None, "a-1")
    assert events[0].payload["properties"] == {
        "decision_id": "d-1.cart",
        "message_id": MESSAGE.message_id,
        "channel": "sms",
        "purpose": "news",
    }
    assert events[0].payload["traits"] == {"consents": {"news:sms": False}}
    assert events[0].message_id != events[1].message_id
