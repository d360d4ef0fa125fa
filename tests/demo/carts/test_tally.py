"""What is counted at the receivers: nothing is assumed of a message that came late, or twice."""

import json

import pytest

from demo.carts.carts import Cart
from demo.carts.endings import Ending, endings
from demo.carts.post import Mail
from demo.carts.tally import Arrived, Decision, Ledger, arrivals, delays, p99, sent_after, sent_twice, undelivered
from demo.receiver import Receipt

CART = Cart("1", 100)


def decided(number, action, reason, *, step=0, trigger="cart-left", visitor="1", at=200):
    return Decision(visitor, f"d-{number}", trigger, step, number, at, action, reason)


def arrived(number, at=10.0, channel="email", visitor="1"):
    return Arrived(f"msg_{number}", visitor, channel, at)


def ledger(*decisions, errors=()):
    told = dict(errors)
    messages = {
        f"msg_{each.event_seq}": (
            each.decision_id,
            "dead" if each.event_seq in told else "delivered",
            told.get(each.event_seq),
        )
        for each in decisions
    }
    return Ledger(decisions, messages, {})


def test_messages_of_both_receivers_are_whose_they_are():
    mail = Mail("visitor-7@example.com", 2.0, b"Message-ID: <msg_a@shop.example>\r\n\r\nHello")
    body = json.dumps({"data": {"user_id": None, "anonymous_id": "8"}}).encode()
    known = json.dumps({"data": {"user_id": "gms-9", "anonymous_id": "9"}}).encode()

    found = arrivals([mail], [Receipt("msg_b", 3.0, body), Receipt("msg_c", 1.0, known)])

    assert [(each.message_id, each.visitor, each.channel) for each in found] == [
        ("msg_c", "9", "webhook"),
        ("msg_a", "7", "email"),
        ("msg_b", "8", "webhook"),
    ]


def test_a_message_after_somebody_went_is_seen_on_any_channel():
    came = [
        arrived(1, at=9.0),
        arrived(2, at=11.0),
        arrived(3, at=12.0, channel="webhook"),
        arrived(4, 99.0, visitor="2"),
    ]

    assert sent_after({"1": 10.0}, came) == 2
    assert sent_after({}, came) == 0


def test_a_message_that_came_again_is_seen_under_the_same_id_or_another_of_the_decision():
    decisions = {"msg_1": "a", "msg_2": "b", "msg_3": "b"}

    assert sent_twice([arrived(1), arrived(2)], decisions.get) == 0
    assert sent_twice([arrived(1), arrived(1)], decisions.get) == 1
    assert sent_twice([arrived(1), arrived(2), arrived(3)], decisions.get) == 1


def test_a_delay_begins_when_the_events_before_it_were_handed_over():
    assert delays([arrived(1, at=10.5), arrived(2, at=21.0)], [10.0, 20.0, 30.0]) == [0.5, 1.0]
    assert p99([0.5] * 99 + [1.5]) == pytest.approx(0.51)
    assert p99([]) is None


def test_what_did_not_arrive_is_told_by_its_reason():
    found = ledger(
        decided(1, "send", "sent"),
        decided(2, "send", "sent"),
        errors=[(2, "the mail server refused the recipient: 550")],
    )

    assert undelivered(found, [arrived(1)]) == {"the mail server refused the recipient": 1}


def test_what_was_held_or_cancelled_is_counted_by_reason():
    found = ledger(
        decided(1, "hold", "cancelled"),
        decided(2, "hold", "no_consent"),
        decided(3, "hold", "put_off"),
        decided(3, "send", "sent"),
        decided(4, "send", "sent"),
        errors=[(4, "cancelled: Something happened.")],
    )

    assert (found.held, found.cancelled) == ({"no_consent": 1, "put_off": 1}, 2)
    # Waits that an order ended were never left behind; one that was put off and then decided was, once.
    assert found.left_behind("cart-left") == 3


def test_a_cart_ends_with_what_was_got_and_why_no_more():
    found = ledger(decided(1, "send", "sent"), decided(2, "hold", "condition_not_met", step=1, at=300))
    mail = ("cart-left", 0, "email")

    assert endings([CART], found, [arrived(1)], "cart-left", {"1"}) == {Ending((mail,), ("condition_not_met",)): 1}
    assert endings([CART], found, [arrived(1)], "cart-left", set()) == {Ending((mail,), ("no_address",)): 1}


def test_of_two_carts_a_decision_is_about_the_one_opened_last():
    found = ledger(decided(1, "hold", "cancelled"), decided(2, "hold", "no_consent", at=500))
    second = Cart("1", 400)

    assert endings([CART, second], found, [], "cart-left", set()) == {
        Ending((), ("cancelled",)): 1,
        Ending((), ("no_consent",)): 1,
    }
