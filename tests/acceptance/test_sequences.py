"""Sequences: each step decides by itself, with what the person did with the message before."""

import json

import pytest

from serving.message import message_id_of
from tests.serving.engines import SECOND, START, WAYS, event, shops

__all__ = ["shops"]
HOUR = 3600.0
CART = {"properties": {"cart_id": "c", "product_id": "p", "price": 2, "quantity": 1}}
STEPS = """
    steps:
      - {after: 24h, when: {not: {response: {is: clicked}}}}
      - {after: 48h}
"""
DECIDED = """
SELECT d.step, d.reason, d.at FROM decisions d JOIN users u USING (user_no) WHERE u.user_key = ? ORDER BY d.at
"""


def policy(fields=STEPS, mode="live", hold_out=0):
    return f"""
format: 1
triggers:
  - name: t
    on: Product Added
    threshold: 25%
    cool_down: 1h
    hold_out: {hold_out}
    mode: {mode}
    {fields}
"""


@pytest.fixture
def opened(shops):
    return lambda fields=STEPS, **given: shops(policy(fields, **given))


async def until(shop, hours):
    await shop.until(hours * HOUR)


def decided(shop, user="u"):
    """Step, reason and hour of each decision."""
    return [(step, reason, round((at - START) / SECOND / HOUR, 2)) for step, reason, at in shop.rows(DECIDED, user)]


def added(user="u", at=0.0, **fields):
    return event("Product Added", user, at * HOUR, **CART | fields)


def last_message(shop):
    return shop.rows("SELECT trigger_decision_id, message_id, body FROM outbox ORDER BY due_at DESC")[0]


async def test_each_step_follows_the_one_before_after_its_time(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    await until(shop, 100)
    bodies = [json.loads(body)["data"] for (body,) in shop.rows("SELECT body FROM outbox ORDER BY due_at")]

    assert decided(shop) == [(0, "sent", 0), (1, "sent", 24), (2, "sent", 72)]
    assert [(each["step"], each["event"]["name"]) for each in bodies] == [(n, "Product Added") for n in range(3)]
    assert shop.rows("SELECT count(*) FROM timers") == [(0,)]


@pytest.mark.parametrize("by", ["decision_id", "message_id"])
async def test_a_step_asks_what_the_person_did_with_the_message_before(opened, by):
    shop = opened()
    await shop.engine.ingest([added()])
    decision_id, message_id, _ = last_message(shop)
    named = {"decision_id": decision_id, "message_id": message_id}[by]
    await shop.engine.ingest([event("Email Link Clicked", "u", 2 * HOUR, properties={by: named})])
    await until(shop, 100)

    # What did not hold at one step keeps the next one from nothing.
    assert decided(shop) == [(0, "sent", 0), (1, "condition_not_met", 24), (2, "sent", 72)]


async def test_what_became_of_another_message_says_nothing_of_this_one(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    await shop.engine.ingest([event("Email Link Clicked", "u", 2 * HOUR, properties={"decision_id": "other"})])
    await shop.engine.ingest([event("Email Link Clicked", "u", 3 * HOUR)])
    await until(shop, 30)

    assert decided(shop) == [(0, "sent", 0), (1, "sent", 24)]


async def test_the_message_that_is_asked_about_is_the_last_one_that_went_out(opened):
    never, opened_it = "{event: {property: price, is: 3}}", "{response: {is: opened}}"
    shop = opened(f"steps: [{{after: 1h, when: {never}}}, {{after: 1h, when: {opened_it}}}]")
    await shop.engine.ingest([added()])
    decision_id, *_ = last_message(shop)
    await shop.engine.ingest([event("Email Opened", "u", HOUR / 2, properties={"decision_id": decision_id})])
    await until(shop, 3)

    assert decided(shop) == [(0, "sent", 0), (1, "condition_not_met", 1), (2, "sent", 2)]


async def test_any_other_objection_ends_the_sequence(opened):
    shop = opened("steps: [{after: 1h, threshold: 90%}, {after: 1h}]")
    await shop.engine.ingest([added()])
    await until(shop, 5)

    assert decided(shop) == [(0, "sent", 0), (1, "below_threshold", 1)]


async def test_a_step_is_put_off_by_itself_and_the_next_one_counts_from_when_it_went_out(opened):
    # It begins at 22:13; five hours later it is 3:13, and quiet until six.
    quiet = 'quiet_hours: {from: "02:00", to: "06:00", unknown_zone: shop_zone}'
    shop = opened(f"send_within: 8h\n    guards: {{{quiet}}}\n    steps: [{{after: 5h}}, {{after: 1h}}]")
    await shop.engine.ingest([added()])
    await until(shop, 20)

    assert decided(shop) == [(0, "sent", 0), (1, "put_off", 5), (1, "sent", 7.78), (2, "sent", 8.78)]


async def test_the_sequence_ends_where_the_person_has_what_they_came_for(opened):
    shop = opened("exit_when: {count: {event: Order Completed, within: 7d, at_least: 1}}\n    steps: [{after: 1h}]")
    await shop.engine.ingest([added(), added("w")])
    await shop.engine.ingest([event("Order Completed", "u", HOUR / 2, **CART)])
    await until(shop, 5)

    assert decided(shop) == [(0, "sent", 0), (1, "exited", 1)]
    assert decided(shop, "w") == [(0, "sent", 0), (1, "sent", 1)]


@WAYS
async def test_an_event_cancels_what_is_left_of_it(opened, arrive):
    shop = opened(f"cancel_on: Order Completed{STEPS}")
    await arrive(shop, added(), event("Order Completed", "u", HOUR, **CART))
    await until(shop, 100)

    assert decided(shop) == [(0, "sent", 0), (1, "cancelled", 1)]


async def test_a_new_entry_begins_it_anew_unless_it_cools_down(opened):
    shop = opened()
    await shop.engine.ingest([added(), added(at=0.5), added(at=10)])
    await until(shop, 40)

    assert decided(shop) == [(0, "sent", 0), (0, "cooling_down", 0.5), (0, "sent", 10), (1, "sent", 34)]


async def test_a_step_renews_the_cool_down(opened):
    shop = opened("steps: [{after: 2h}]")
    await shop.engine.ingest([added(), added(at=2.5)])

    assert decided(shop) == [(0, "sent", 0), (1, "sent", 2), (0, "cooling_down", 2.5)]


async def test_a_rehearsal_goes_all_the_way_and_sends_nothing(opened):
    shop = opened(mode="dry_run")
    await shop.engine.ingest([added()])
    await until(shop, 100)

    assert [reason for _, reason, _ in decided(shop)] == ["dry_run"] * 3
    assert shop.rows("SELECT count(*) FROM outbox") == [(0,)]


async def test_who_is_held_out_is_held_out_of_every_step(opened):
    shop = opened(hold_out="{share: 0.5, salt: s}")
    await shop.engine.ingest([added(f"u{n}") for n in range(12)])
    await until(shop, 30)
    reasons = [{reason for _, reason, _ in decided(shop, f"u{n}")} for n in range(12)]

    assert all(len(each) == 1 for each in reasons)
    assert set().union(*reasons) == {"sent", "control"}


async def test_a_branch_says_how_a_step_goes_out(opened):
    shop = opened(
        """
    steps:
      - after: 1h
        content: {template: reminder}
        branches:
          - {when: {response: {is: opened}}, endpoint: mail, content: {template: discount}}
          - {when: {response: {is: bounced}}, channel: webhook}
"""
    )
    await shop.engine.ingest([added(), added("w"), added("x")])
    ids = dict(shop.rows("SELECT u.user_key, o.trigger_decision_id FROM outbox o JOIN users u USING (user_no)"))
    await shop.engine.ingest([event("Email Opened", "u", HOUR / 2, properties={"decision_id": ids["u"]})])
    await shop.engine.ingest([event("SMS Failed", "w", HOUR / 2, properties={"decision_id": ids["w"]})])
    await until(shop, 2)
    sent = shop.rows("SELECT endpoint, body FROM outbox WHERE due_at > ? ORDER BY due_at", START + 10 * SECOND)

    assert [(where, json.loads(body)["data"]["content"]) for where, body in sent] == [
        ("mail", {"template": "discount"}),
        ("default", {"template": "reminder"}),
    ]
    assert decided(shop, "x") == [(0, "sent", 0), (1, "condition_not_met", 1)]


async def test_linked_ids_bring_their_steps_and_two_sequences_become_one(opened):
    shop = opened()
    await shop.engine.ingest([added(None, 0, anonymousId="a"), added("u", 2)])
    await shop.engine.ingest([event("", "u", 3 * HOUR, type="identify", anonymousId="a")])
    await until(shop, 100)

    assert decided(shop) == [(0, "sent", 2), (1, "sent", 26), (2, "sent", 74)]
    assert decided(shop, "anonymous:a") == [(0, "sent", 0)]


async def test_steps_survive_a_restart(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    again = opened()
    await until(again, 30)

    assert decided(again) == [(0, "sent", 0), (1, "sent", 24)]


async def test_a_step_that_the_policy_no_longer_has_ends_with_a_reason(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    await until(shop, 25)
    again = opened("steps: [{after: 24h}]")
    await until(again, 100)

    assert decided(again) == [(0, "sent", 0), (1, "sent", 24), (2, "policy_changed", 72)]


async def test_the_first_message_of_a_decision_has_the_id_that_it_always_had(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    decision_id, message_id, _ = last_message(shop)

    assert message_id == message_id_of(decision_id)
