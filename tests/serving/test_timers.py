"""Triggers that wait: durable, cancelled by what makes them pointless, decided with what is known at their moment."""

import asyncio

import pytest

from features.catalog import CATALOGUE
from tests.serving.engines import SECOND, START, Live, Shop, event, shops

__all__ = ["shops"]
MINUTE = 60.0
CART = {"properties": {"cart_id": "c", "product_id": "p", "price": 2, "quantity": 1}}
POLICY = """
format: 1
triggers:
  - name: abandoned
    on: Product Added
    after: 30 min
    cancel_on: Order Completed
    horizon: 24h
    threshold: 25%
    cool_down: 1h
    hold_out: 0
    mode: live
  - name: of-product
    on: Product Viewed
    after: 10 min
    key: product
    cancel_on: Order Completed
    threshold: 0
    cool_down: 0
    hold_out: 0
    mode: live
  - name: gone-quiet
    on: [Page Viewed]
    inactive_for: 14d
    threshold: 0
    cool_down: 1d
    hold_out: 0
    mode: live
"""
DECIDED = "SELECT trigger, action, reason, at FROM decisions ORDER BY at, trigger"


@pytest.fixture
def shop(shops):
    """A shop whose triggers wait; its clock is that of a replay."""
    return shops(POLICY)


async def until(shop, minutes):
    """Let the clock of the replay reach a moment."""
    await shop.until(minutes * MINUTE)


def decided(shop):
    """Trigger, action, reason and the minute of each decision."""
    return [(*row[:3], round((row[3] - START) / SECOND / MINUTE)) for row in shop.rows(DECIDED)]


def waiting(shop):
    return shop.rows("SELECT trigger, key FROM timers ORDER BY 1, 2")


async def test_it_decides_when_its_time_has_come_and_not_before(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await until(shop, 29.9)
    before = decided(shop)
    await until(shop, 45)

    assert before == []
    assert decided(shop) == [("abandoned", "send", "sent", 30)]
    assert waiting(shop) == []
    assert shop.rows("SELECT count(*) FROM outbox") == [(1,)]


async def test_the_same_event_again_lets_it_wait_anew(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await shop.engine.ingest([event("Product Added", "u", 20 * MINUTE, **CART)])
    await until(shop, 60)

    assert decided(shop) == [("abandoned", "send", "sent", 50)]


async def test_an_order_cancels_it_and_the_ledger_says_so(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await shop.engine.ingest([event("Order Completed", "u", 20 * MINUTE, **CART)])
    await until(shop, 60)

    assert decided(shop) == [("abandoned", "hold", "cancelled", 20)]
    assert waiting(shop) == []


async def test_an_order_that_arrives_late_cancels_it_too_but_not_one_from_before_the_cart(shop):
    await shop.engine.ingest([event("Product Added", "u", 10 * MINUTE, **CART)])
    await shop.engine.ingest([event("Product Added", "w", 10 * MINUTE, **CART)])
    await shop.engine.ingest([event("Page Viewed", "x", 30 * MINUTE)])
    await shop.engine.ingest([event("Order Completed", "u", 11 * MINUTE, **CART)])
    await shop.engine.ingest([event("Order Completed", "w", 9 * MINUTE, **CART)])
    await until(shop, 60)

    assert decided(shop) == [("abandoned", "hold", "cancelled", 30), ("abandoned", "send", "sent", 40)]


@pytest.mark.parametrize(
    "fields", ["after: 30 min", "steps: [{after: 30 min}]", "send: best_hour\n    send_within: 24h"]
)
async def test_a_clock_that_is_ahead_keeps_no_order_from_ending_what_waits(shops, fields):
    shop = shops(POLICY.replace("after: 30 min", fields, 1), Live)
    await shop.hear(0, "Product Added", said=60 * MINUTE, **CART)
    await shop.hear(10 * MINUTE, "Order Completed", **CART)

    assert shop.rows("SELECT reason FROM decisions ORDER BY at")[-1] == ("cancelled",)
    assert waiting(shop) == []


async def test_an_order_that_came_before_the_cart_it_is_of_cancels_it_too(shop):
    await shop.engine.ingest([event("Order Completed", "u", 10 * MINUTE, **CART)])
    await shop.engine.ingest([event("Product Added", "u", 9 * MINUTE, **CART)])
    await shop.engine.ingest([event("Product Added", "w", 10 * MINUTE, **CART)])
    await shop.engine.ingest([event("Order Completed", "w", 10 * MINUTE, **CART)])
    await shop.engine.ingest([event("Order Completed", "x", 10 * MINUTE, **CART)])
    await shop.engine.ingest([event("Product Added", "x", 10 * MINUTE, **CART)])
    await until(shop, 60)

    # Of what happened in the same instant the order of arrival counts.
    assert decided(shop) == [
        ("abandoned", "hold", "cancelled", 10),
        ("abandoned", "hold", "cancelled", 40),
        ("abandoned", "send", "sent", 40),
    ]


async def test_what_happened_earlier_and_only_came_later_takes_the_place_of_nothing(shop):
    await shop.engine.ingest([event("Order Completed", "u", 5 * MINUTE, **CART)])
    await shop.engine.ingest([event("Product Added", "u", 6 * MINUTE, **CART)])
    await shop.engine.ingest([event("Product Added", "u", 4 * MINUTE, **CART)])
    await until(shop, 60)

    assert decided(shop) == [("abandoned", "send", "sent", 36)]


async def test_who_was_seen_again_after_an_order_that_came_first_is_missed_all_the_same(shops):
    shop = shops(POLICY.replace("inactive_for: 14d", "inactive_for: 14d\n    cancel_on: Order Completed"))
    await shop.engine.ingest([event("Order Completed", "u", 2 * MINUTE, **CART)])
    await shop.engine.ingest([event("Page Viewed", "u", 1 * MINUTE)])
    await shop.engine.ingest([event("Page Viewed", "u", 3 * MINUTE)])
    await until(shop, 15 * 24 * 60)

    assert decided(shop) == [("gone-quiet", "send", "sent", 14 * 24 * 60 + 3)]


async def test_an_order_of_an_id_that_is_linked_only_afterwards_cancels_it_too(shop):
    await shop.engine.ingest([event("Product Added", at=0, anonymousId="a", **CART)])
    await shop.engine.ingest([event("Order Completed", "u", 5 * MINUTE, **CART)])
    await shop.engine.ingest([event("", "u", 6 * MINUTE, type="identify", anonymousId="a")])
    await until(shop, 60)

    assert decided(shop) == [("abandoned", "hold", "cancelled", 30)]


async def test_within_one_batch_what_is_due_happens_before_what_comes_after_it(shop):
    cart = event("Product Added", "u", 0, **CART)
    order = event("Order Completed", "u", 40 * MINUTE, **CART)
    await shop.engine.ingest([cart, order])

    assert decided(shop) == [("abandoned", "send", "sent", 30)]


async def test_each_product_waits_for_itself_and_is_ended_by_its_own_purchase(shop):
    for product in "abc":
        await shop.engine.ingest([event("Product Viewed", "u", 0, properties={"product_id": product})])
    lines = {"properties": {"products": [{"product_id": "a", "price": 1, "quantity": 1}, {"product_id": "z"}]}}
    await shop.engine.ingest([event("Order Completed", "u", 5 * MINUTE, **lines)])

    assert waiting(shop) == [("of-product", "b"), ("of-product", "c")]

    await until(shop, 11)

    assert decided(shop) == [("of-product", "hold", "cancelled", 5), *[("of-product", "send", "sent", 10)] * 2]


async def test_a_product_event_without_a_product_waits_for_nothing(shop):
    await shop.engine.ingest([event("Product Viewed", "u", 0)])

    assert waiting(shop) == []


async def test_whoever_comes_back_is_not_gone_quiet_and_is_looked_at_when_due_again(shop):
    day = 24 * 60
    await shop.engine.ingest([event("Page Viewed", "u", 0)])
    await shop.engine.ingest([event("Products Searched", "u", 10 * day * MINUTE)])
    await until(shop, 15 * day)
    after_two_weeks = decided(shop)
    await until(shop, 25 * day)

    assert after_two_weeks == []
    assert decided(shop) == [("gone-quiet", "send", "sent", 24 * day)]
    assert waiting(shop) == []


async def test_timers_survive_a_restart(shop, tmp_path):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    again = Shop(tmp_path, policy=POLICY)
    await until(again, 45)

    assert decided(again) == [("abandoned", "send", "sent", 30)]
    again.close()


async def test_a_linked_id_brings_its_timers_and_nothing_fires_twice(shop):
    await shop.engine.ingest([event("Product Added", None, 0, anonymousId="a", **CART)])
    await shop.engine.ingest([event("Product Added", "u", 5 * MINUTE, **CART)])
    await shop.engine.ingest([event("", "u", 10 * MINUTE, type="identify", anonymousId="a")])
    await until(shop, 60)

    assert decided(shop) == [("abandoned", "send", "sent", 35)]


async def test_imported_and_stale_events_arm_nothing(shop):
    await shop.engine.ingest([event("Page Viewed", "x", 180 * MINUTE)])
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])

    assert ("abandoned", "") not in waiting(shop)


async def test_the_decision_of_a_timer_is_read_as_of_its_own_moment(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await shop.engine.ingest([event("Page Viewed", "u", 29 * MINUTE)])
    await until(shop, 45)
    [(at, event_seq)] = shop.rows(
        "SELECT at, event_seq FROM evaluations WHERE decision_id IN (SELECT decision_id FROM decisions)"
    )

    assert 0 <= at - (START + 30 * 60 * SECOND) < 1000
    assert event_seq is None


async def test_who_asks_gets_their_own_answer_whatever_came_due_before(shop):
    for user in "uvw":
        await shop.engine.ingest([event("Product Added", user, 0, **CART)])
    await shop.engine.ingest([event("Product Added", "x", 1 * MINUTE, properties={"product_id": "q", "price": 50})])
    later = START + 60 * 60 * SECOND
    users = [("x", None), ("nobody", None), ("u", None)]
    answer = await shop.engine.score(users, at=later)
    value = [each.features[CATALOGUE.names.index("cart_value")] for each in answer.scores]
    with_event = await shop.engine.score([("x", None)], event=event("Page Viewed", "x", 2 * 60 * MINUTE))

    assert [each.known for each in answer.scores] == [True, False, True]
    assert value == [50, 0, 2]
    assert with_event.scores[0].features[CATALOGUE.names.index("cart_value")] == 50


LIVE = POLICY.replace("after: 30 min", "after: 1 s").replace("expires_after", "expires_after")


class Wall:
    """The time of day as far as the engine is concerned."""

    replay = False

    def __init__(self, now):
        self.at = now

    def now(self):
        return self.at

    def accept(self, moment):
        pass


def on_the_wall(shop, at):
    shop.engine._tools.clock = shop.engine._tools.ticks._clock = Wall(at)
    return shop.engine._tools.clock


async def test_a_live_server_fires_by_itself_soon_after_the_moment(tmp_path):
    shop = Shop(tmp_path, policy=LIVE)
    clock = on_the_wall(shop, START)
    shop.engine.start()
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    clock.at += 2 * SECOND
    for _ in range(60):
        await asyncio.sleep(0.05)
        if decided(shop):
            break

    assert decided(shop) == [("abandoned", "send", "sent", 0)]
    shop.close()


async def test_what_was_due_while_nobody_was_there_is_decided_at_the_start_or_given_up(tmp_path):
    shop = Shop(tmp_path, policy=POLICY)
    on_the_wall(shop, START)
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    shop.close()
    soon = Shop(tmp_path, policy=POLICY.replace("name: abandoned", "name: abandoned\n    expires_after: 10 min"))
    on_the_wall(soon, START + 41 * 60 * SECOND)
    soon.engine.start()
    for _ in range(60):
        await asyncio.sleep(0.05)
        if decided(soon):
            break

    assert decided(soon) == [("abandoned", "hold", "expired", 41)]
    soon.close()


async def test_mail_and_machines_are_no_visit(shop):
    day = 24 * 60 * MINUTE
    await shop.engine.ingest([event("Page Viewed", "u", 0)])
    await shop.engine.ingest([event("Email Delivered", "u", 5 * day), event("Email Opened", "u", 6 * day)])
    await shop.engine.ingest([event("Email Link Clicked", "u", 7 * day, properties={"machine": True})])
    await until(shop, 15 * 24 * 60)

    assert decided(shop) == [("gone-quiet", "send", "sent", 14 * 24 * 60)]


async def test_a_click_in_a_mail_is_a_visit(shop):
    day = 24 * 60 * MINUTE
    await shop.engine.ingest([event("Page Viewed", "u", 0), event("Email Link Clicked", "u", 7 * day)])
    await until(shop, 22 * 24 * 60)

    assert decided(shop) == [("gone-quiet", "send", "sent", 21 * 24 * 60)]
