"""One decision on several channels, triggers about carts and products, and which of several triggers goes first."""

import json

import pytest

from serving.message import message_id_of
from tests.serving.engines import event, shops

__all__ = ["shops"]
HOUR = 3600.0
REASONS = "SELECT trigger, reason, channels FROM decisions ORDER BY at, rowid"


@pytest.fixture
def opened(shops):
    """Open shops with triggers on Product Added, each given by its own fields."""

    def open_shop(**triggers):
        basics = "on: Product Added, threshold: 25%, hold_out: 0, mode: live"
        lines = "".join(f"- {{name: {name}, {basics}, {fields}}}\n" for name, fields in triggers.items())
        return shops(f"format: 1\ntriggers:\n{lines}")

    return open_shop


def added(user="u", at=0.0, **properties):
    return event("Product Added", user, at * HOUR, properties={"product_id": "p", "cart_id": "c"} | properties)


def agrees(user="u", **granted):
    said = {f"marketing:{channel}": value for channel, value in granted.items()}
    return event("", user, -1, type="identify", traits={"consents": said})


def decided(shop):
    return shop.rows(REASONS)


async def test_the_first_channel_that_nothing_stands_against_is_taken(opened):
    shop = opened(t="cool_down: 0, channel: {prefer: [email, sms]}")
    await shop.engine.ingest([agrees("u", sms=True), agrees("w", email=True, sms=True), agrees("x", email=False)])
    await shop.engine.ingest([added("u"), added("w"), added("x")])
    bodies = [json.loads(body)["data"]["channel"] for (body,) in shop.rows("SELECT body FROM outbox ORDER BY due_at")]

    assert decided(shop) == [("t", "sent", "sms"), ("t", "sent", "email"), ("t", "no_consent", None)]
    assert bodies == ["sms", "email"]


async def test_together_each_channel_has_a_message_of_its_own_and_each_counts_for_the_caps(opened):
    shop = opened(t="cool_down: 0, channel: {together: [email, push]}, guards: {cap: {count: 3, window: 1d}}")
    await shop.engine.ingest([agrees(email=True, push=True)])
    await shop.engine.ingest([added(at=0), added(at=1), added(at=2)])
    ids = shop.rows("SELECT trigger_decision_id, message_id, channel FROM outbox ORDER BY due_at, channel")
    first = ids[0][0]

    assert decided(shop) == [("t", "sent", "email,push"), ("t", "sent", "email"), ("t", "capped", None)]
    assert shop.rows("SELECT channel FROM sends ORDER BY at, channel") == [("email",), ("push",), ("email",)]
    assert ids[:2] == [
        (first, message_id_of(first), "email"),
        (first, message_id_of(first, "push"), "push"),
    ]
    assert len({message_id for _, message_id, _ in ids}) == 3


async def test_what_is_answered_on_a_second_channel_is_an_answer_too(opened):
    steps = "steps: [{after: 1h, when: {response: {is: tapped}}}]"
    shop = opened(t=f"cool_down: 0, channel: {{together: [email, push]}}, {steps}")
    await shop.engine.ingest([agrees(email=True, push=True), added()])
    [(push,)] = shop.rows("SELECT message_id FROM outbox WHERE channel = 'push'")
    await shop.engine.ingest([event("Push Notification Tapped", "u", HOUR / 2, properties={"message_id": push})])
    await shop.engine.ingest([event("Page Viewed", "w", 2 * HOUR)])

    assert [reason for _, reason, _ in decided(shop)] == ["sent", "sent"]


async def test_a_channel_that_is_suppressed_does_not_hold_the_others_back(opened):
    shop = opened(t="cool_down: 0, channel: {together: [email, sms]}, guards: {consent: none}")
    await shop.engine.ingest([event("Email Bounced", "u", -1), added()])

    assert decided(shop) == [("t", "sent", "sms")]


async def test_each_product_cools_down_for_itself_and_one_that_is_not_named_gives_no_decision(opened):
    shop = opened(t="key: product, cool_down: 5h", whole="cool_down: 5h")
    await shop.engine.ingest([added(product_id="a"), added(at=1, product_id="b"), added(at=2, product_id="a")])
    await shop.engine.ingest([added(at=3, product_id=None)])
    mine = [reason for name, reason, _ in decided(shop) if name == "t"]

    assert mine == ["sent", "sent", "cooling_down"]
    assert [reason for name, reason, _ in decided(shop) if name == "whole"] == ["sent"] + ["cooling_down"] * 3
    assert shop.rows("SELECT key FROM cooldowns WHERE trigger = 't' ORDER BY key") == [("a",), ("b",)]


async def test_what_cools_down_for_a_product_is_remembered_between_batches_and_follows_links(opened):
    shop = opened(t="key: product, cool_down: 5h")
    await shop.engine.ingest([event("Product Added", None, 0, anonymousId="v", properties={"product_id": "a"})])
    again = opened(t="key: product, cool_down: 5h")
    await again.engine.ingest([event("", "u", HOUR, type="identify", anonymousId="v")])
    await again.engine.ingest([added(at=2, product_id="a"), added(at=3, product_id="b")])

    assert [reason for _, reason, _ in decided(again)] == ["sent", "cooling_down", "sent"]


async def test_a_sequence_for_each_product_runs_by_itself(opened):
    shop = opened(t="key: product, cool_down: 1d, cancel_on: Order Completed, steps: [{after: 2h}]")
    await shop.engine.ingest([added(product_id="a"), added(at=1, product_id="b")])
    await shop.engine.ingest([event("Order Completed", "u", 1.5 * HOUR, properties={"product_id": "a"})])
    await shop.engine.ingest([event("Page Viewed", "w", 9 * HOUR)])
    steps = shop.rows("SELECT step, reason FROM decisions ORDER BY at")

    assert steps == [(0, "sent"), (0, "sent"), (1, "cancelled"), (1, "sent")]


async def test_of_triggers_that_one_event_asks_the_one_of_higher_priority_takes_what_the_cap_leaves(opened):
    guards = "guards: {cap: {count: 1, window: 1d}}"
    shop = opened(low=f"cool_down: 0, {guards}", high=f"cool_down: 0, priority: 5, {guards}")
    await shop.engine.ingest([added()])

    assert [(name, reason) for name, reason, _ in decided(shop)] == [("high", "sent"), ("low", "capped")]
