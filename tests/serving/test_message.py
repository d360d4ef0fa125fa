"""The body a receiver gets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import RECORD_WIDTH, Event
from features.kinds import Kind
from policy.decide import Verdict
from policy.reasons import Action, Reason
from policy.runs import AT_ONCE
from policy.triggers import Trigger
from serving.message import LARGEST_BODY, compose, message_id_of

AT = 1_508_500_800_000_001
WARM_CART = Trigger.model_validate(
    {
        "name": "warm-cart",
        "on": "Product Added",
        "threshold": 0.25,
        "cool_down": "7d",
        "mode": "live",
        "endpoint": "mail",
        "content": {"subject": "Your bag"},
    }
)
SENT = Verdict(Action.SEND, Reason.SENT, "treatment", 0.9, 0.5, 0.25, WARM_CART.plans[0].route, channels=("webhook",))


BAG = {"sku": "A-1"}


def an_event(properties=BAG, **given_):
    fields = {
        "kind": Kind.PRODUCT_ADDED,
        "name": "Product Added",
        "message_id": "m-1",
        "user_id": "ada",
        "anonymous_id": None,
        "previous_id": None,
        "occurred_at": AT - 1,
        "record": bytes(8 * RECORD_WIDTH),
        "timezone": None,
        "payload": {"properties": properties},
        "payload_json": json.dumps({"properties": properties}, ensure_ascii=False),
        "excluded": None,
    }
    return Event(**fields | given_)


def composed(event):
    return compose(
        WARM_CART,
        SENT,
        event,
        AT_ONCE,
        channel="webhook",
        trigger_decision_id="d1.warm-cart",
        user_no=7,
        at=AT,
        model_version="opportune-intent-24h/3",
        policy_version="0123456789ab",
    )


def test_a_message_says_who_what_and_why():
    message = composed(an_event())

    assert json.loads(message.body) == {
        "type": "trigger.fired",
        "timestamp": "2017-10-20T12:00:00.000001Z",
        "data": {
            "user_id": "ada",
            "anonymous_id": None,
            "trigger": "warm-cart",
            "experiment": "warm-cart",
            "step": 0,
            "channel": "webhook",
            "content": {"subject": "Your bag"},
            "decision_id": "d1.warm-cart",
            "score": 0.5,
            "threshold": 0.25,
            "horizon": "24h",
            "model_version": "opportune-intent-24h/3",
            "policy_version": "0123456789ab",
            "event": {
                "name": "Product Added",
                "message_id": "m-1",
                "occurred_at": "2017-10-20T12:00:00Z",
                "properties": {"sku": "A-1"},
            },
        },
    }
    assert (message.endpoint, message.due_at) == ("mail", AT)
    assert (message.user_no, message.trigger, message.channel) == (7, "warm-cart", "webhook")


def test_a_message_names_the_experiment_it_is_part_of():
    spring = compose(
        WARM_CART.model_copy(update={"experiment": "spring"}),
        SENT,
        an_event(),
        AT_ONCE,
        channel="webhook",
        trigger_decision_id="d1.warm-cart",
        user_no=7,
        at=AT,
        model_version=None,
        policy_version="0123456789ab",
    )

    assert json.loads(spring.body)["data"]["experiment"] == "spring"


def test_an_id_is_the_same_for_the_same_decision_and_holds_no_full_stop():
    assert composed(an_event()).message_id == composed(an_event(name="x")).message_id == message_id_of("d1.warm-cart")
    assert message_id_of("d1.warm-cart") != message_id_of("d2.warm-cart")
    assert "." not in message_id_of("d1.warm-cart")


@pytest.mark.parametrize("length", [10_000, 18_000, 20_000, 32_000])
def test_a_body_stays_below_the_limit_of_the_specification(length):
    body = composed(an_event({"note": "é" * (length // 2)})).body

    assert len(body.encode()) < LARGEST_BODY
    assert (json.loads(body)["data"]["event"]["properties"] is None) == (length >= 20_000)


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | numbers | st.text()), st.text())
def test_whatever_an_event_says_the_message_says_it_too(properties, name):
    event = json.loads(composed(an_event(properties, name=name)).body)["data"]["event"]

    assert (event["properties"], event["name"]) == (properties, name)


def test_half_a_surrogate_pair_costs_no_message():
    assert json.loads(composed(an_event(user_id="\ud83d")).body)["data"]["user_id"] == "?"
