"""Messages that are put off: decided again at the right moment, replaced by what comes after, cancelled, given up."""

import json

import pytest

from tests.serving.engines import SECOND, START, WAYS, at_once, event, shops
from tests.serving.test_timers import on_the_wall

__all__ = ["shops"]
MINUTE = 60.0  # START is 2023-11-14, 22:13:20 UTC
QUIET = 'quiet_hours: {from: "22:00", to: "23:00", unknown_zone: shop_zone}'
END = 46 * MINUTE + 40  # 23:00:00
CART = {"properties": {"cart_id": "c", "product_id": "p", "price": 2, "quantity": 1}}
DECIDED = "SELECT reason, at, due_at, step FROM decisions ORDER BY at, trigger"


def policy(fields="", guards=QUIET):
    return f"""
format: 1
triggers:
  - name: t
    on: Product Added
    threshold: 25%
    cool_down: 1h
    hold_out: 0
    mode: live
    send_within: 8h
    guards: {{{guards}}}
    {fields}
"""


@pytest.fixture
def opened(shops):
    return lambda fields="", guards=QUIET: shops(policy(fields, guards))


def decided(shop):
    """Reason, second of the decision, second at which it is due, of each decision."""
    return [
        (reason, round((at - START) / SECOND), due_at and round((due_at - START) / SECOND))
        for reason, at, due_at, _ in shop.rows(DECIDED)
    ]


def added(user="u", at=0.0, **fields):
    return event("Product Added", user, at, **CART | fields)


async def test_it_goes_out_when_the_quiet_hours_are_over_and_not_before(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    await shop.until(END - 1)
    before = decided(shop)
    await shop.until(END + 60)

    assert before == [("put_off", 0, END)]
    assert decided(shop) == [("put_off", 0, END), ("sent", END, None)]
    assert shop.rows("SELECT count(*) FROM timers") == [(0,)]
    assert shop.rows("SELECT count(*) FROM outbox") == [(1,)]


async def test_nothing_cools_down_and_no_cap_is_used_up_until_it_goes_out(opened):
    shop = opened()
    await shop.engine.ingest([added()])

    assert shop.rows("SELECT count(*) FROM cooldowns") == shop.rows("SELECT count(*) FROM sends") == [(0,)]


async def test_what_is_known_at_the_later_moment_decides(opened):
    shop = opened("when: {feature: {name: cart_items, at_least: 1}}")
    await shop.engine.ingest([added()])
    await shop.engine.ingest([event("Product Removed", "u", 10 * MINUTE, **CART)])
    await shop.until(END + 60)

    assert decided(shop) == [("put_off", 0, END), ("condition_not_met", END, None)]


@WAYS
async def test_a_later_event_takes_its_place(opened, arrive):
    shop = opened()
    await arrive(shop, added(at=0), added(at=MINUTE), added(at=2 * MINUTE))
    await shop.until(END + 60)

    assert [reason for reason, *_ in decided(shop)] == ["put_off", "put_off", "put_off", "sent"]
    assert shop.rows("SELECT event_seq FROM decisions WHERE reason = 'sent'") == [(3,)]


@WAYS
async def test_an_order_cancels_it(opened, arrive):
    shop = opened("cancel_on: Order Completed")
    await arrive(shop, added(at=0), event("Order Completed", "u", MINUTE, **CART))
    await shop.until(END + 60)

    assert [reason for reason, *_ in decided(shop)] == ["put_off", "cancelled"]


async def test_within_one_batch_it_goes_out_before_what_comes_after_it(opened):
    shop = opened("cancel_on: Order Completed")
    await shop.engine.ingest([added(at=0), event("Order Completed", "u", END + 60, **CART)])

    assert [reason for reason, *_ in decided(shop)] == ["put_off", "sent"]


@pytest.mark.parametrize("together", [True, False])
async def test_an_event_that_comes_too_late_leaves_it_waiting(opened, together):
    shop = opened("max_event_age: 5 min")
    events = [added(at=0), added("v", 10 * MINUTE), added(at=MINUTE)]
    for each in [events] if together else [[each] for each in events]:
        await shop.engine.ingest(each)
    await shop.until(END + 60)
    of_u = shop.rows(
        "SELECT reason, event_seq FROM decisions JOIN users USING (user_no) WHERE user_key = 'u' ORDER BY at"
    )

    assert of_u == [("put_off", 1), ("stale_event", 3), ("sent", 1)]


async def test_it_survives_a_restart_and_a_linked_id_brings_it(opened):
    shop = opened()
    await shop.engine.ingest([added(None, 0, anonymousId="a")])
    again = opened()
    await again.engine.ingest([event("", "u", MINUTE, type="identify", anonymousId="a")])
    await again.until(END + 60)

    assert [reason for reason, *_ in decided(again)] == ["put_off", "sent"]
    assert again.rows("SELECT user_key FROM decisions JOIN users USING (user_no) WHERE reason = 'sent'") == [("u",)]


async def test_what_stands_against_it_again_puts_it_off_again_but_not_beyond_the_limit(opened):
    shop = opened(guards="not_while_browsing: true")
    await shop.engine.ingest([added()])
    for minute in range(20, 8 * 60 + 40, 20):
        await shop.engine.ingest([event("Page Viewed", "u", minute * MINUTE)])
    await shop.until(12 * 60 * MINUTE)
    found = decided(shop)

    assert {reason for reason, *_ in found[:-1]} == {"put_off"}
    assert found[-1][0] == "still_browsing"
    assert found[-1][1] <= 8 * 60 * MINUTE


async def test_caps_free_the_next_one_in_time(opened):
    shop = opened("channel: webhook", "cap: {count: 1, window: 2h}")
    await shop.engine.ingest([added(at=0)])
    await shop.engine.ingest([added(at=70 * MINUTE)])
    await shop.until(3 * 60 * MINUTE)

    assert decided(shop) == [("sent", 0, None), ("put_off", 70 * MINUTE, 120 * MINUTE), ("sent", 120 * MINUTE, None)]


async def test_a_trigger_that_waits_puts_off_too_and_waits_anew_with_a_later_event(opened):
    shop = opened("after: 10 min")
    await shop.engine.ingest([added()])
    await shop.until(11 * MINUTE)
    await shop.engine.ingest([added(at=40 * MINUTE)])
    await shop.until(60 * MINUTE)

    assert decided(shop) == [("put_off", 10 * MINUTE, END), ("sent", 50 * MINUTE, None)]


async def test_whoever_comes_back_before_it_goes_out_is_not_told_that_they_were_missed(opened):
    shop = opened("inactive_for: 10 min")
    await shop.engine.ingest([added()])
    await shop.engine.ingest([event("Page Viewed", "u", 40 * MINUTE)])
    await shop.until(120 * MINUTE)

    assert decided(shop) == [("put_off", 10 * MINUTE, END), ("sent", 50 * MINUTE, None)]


async def test_the_export_and_the_erasure_find_what_waits(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    erased = await shop.engine.erase("u")

    assert erased.rows["timers"] == 1
    assert shop.rows("SELECT count(*) FROM timers") == [(0,)]


async def test_a_message_that_was_put_off_says_which_event_it_is_about(opened):
    shop = opened()
    await shop.engine.ingest([added()])
    await shop.until(END + 60)
    [(body,)] = shop.rows("SELECT body FROM outbox")

    assert json.loads(body)["data"]["event"]["name"] == "Product Added"


async def test_on_a_live_server_too_what_follows_in_the_same_batch_ends_or_replaces_it(opened):
    shop = opened("cancel_on: Order Completed")
    on_the_wall(shop, START)
    ordered = event("Order Completed", "u", 0, **CART)
    again = added("w", 0, messageId="again")
    await at_once(shop, added(), ordered, added("w"), again, added("x"))
    waiting = shop.rows("SELECT user_key, event_seq FROM timers JOIN users USING (user_no) ORDER BY 1")

    assert [reason for reason, *_ in decided(shop)] == ["put_off", "cancelled", "put_off", "put_off", "put_off"]
    assert waiting == [("w", 4), ("x", 5)]


async def test_on_a_live_server_a_link_in_the_same_batch_brings_what_was_put_off_just_before(opened):
    shop = opened()
    on_the_wall(shop, START)
    link = event("", "u", 0, type="identify", anonymousId="a")
    await at_once(shop, added(None, anonymousId="a"), link)

    assert shop.rows("SELECT user_key FROM timers JOIN users USING (user_no)") == [("u",)]
