"""The policy's part of a batch: each decision is made with what the ones before it left behind."""

import asyncio

import msgspec
import pytest

from serving.message import message_id_of
from tests.serving.engines import SECOND, START, WAYS, Shop, at_once, event, shops

__all__ = ["shops"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
POLICY = """
format: 1
triggers:
  - {name: warm-cart, on: Product Added, horizon: 24h, threshold: 25%, cool_down: 1h, hold_out: 0, mode: live}
  - {name: unsure, on: Product Added, horizon: 24h, threshold: 90%, cool_down: 1h, hold_out: 0, mode: live}
  - {name: weekly, on: Product Added, horizon: 7d, threshold: 1%, cool_down: 1h, hold_out: 0, mode: live}
"""
HALF = """
format: 1
triggers:
  - {name: warm-cart, on: Product Added, threshold: 25%, cool_down: 0, hold_out: {share: 0.5, salt: s}, mode: live}
"""
REASONS = "SELECT u.user_key, d.reason FROM decisions d JOIN users u USING (user_no) WHERE trigger = 'warm-cart'"


@pytest.fixture
def shop(shops):
    return shops(POLICY)


def added(user, at, **fields):
    return event("Product Added", user, at, **CART, **fields)


def identify(user, anonymous, at):
    return event("", user, at, type="identify", anonymousId=anonymous)


def reasons(shop):
    return shop.rows(f"{REASONS} ORDER BY at")


async def test_every_trigger_gives_its_own_reason_and_they_are_told_in_the_answer(shop):
    answer = await shop.engine.score([("u", None)], event=added("u", 1))
    told = {
        each.trigger: (each.action, each.reason, each.score, each.message_id) for each in answer.scores[0].decisions
    }
    decision_id = answer.scores[0].decision_id

    assert told == {
        "warm-cart": ("send", "sent", 0.3, message_id_of(f"{decision_id}.warm-cart")),
        "unsure": ("hold", "below_threshold", 0.3, None),
        "weekly": ("hold", "no_score", None, None),
    }


async def test_the_ledger_holds_what_was_decided_by_what(shop):
    answer = await shop.engine.score([("u", None)], event=added("u", 1))
    columns = "decision_id, at, event_seq, action, score, threshold, horizon, propensity, model_version, policy_version"
    [row] = shop.rows(f"SELECT {columns} FROM decisions WHERE trigger = 'warm-cart'")
    score = answer.scores[0]

    assert row == (
        *(score.decision_id, answer.at, 1, "send", 0.3, 0.25, "24h", 1.0, "certain/1", answer.policy_version),
    )
    assert shop.rows("SELECT model_version FROM decisions WHERE trigger = 'weekly'") == [(None,)]


async def test_one_message_is_enqueued_for_each_firing_and_names_its_event(shop):
    await at_once(shop, added("u", 1), added("w", 2))
    decided = shop.rows("SELECT trigger_decision_id, at FROM decisions WHERE action = 'send' ORDER BY at")
    enqueued = shop.rows("SELECT trigger_decision_id, due_at, status, body FROM outbox ORDER BY due_at")
    told = [msgspec.json.decode(body)["data"] for *_, body in enqueued]

    assert [row[:3] for row in enqueued] == [(key, at, "pending") for key, at in decided]
    assert [(data["user_id"], data["decision_id"]) for data in told] == [
        (user, key) for user, (key, _) in zip("uw", decided, strict=True)
    ]


@WAYS
async def test_a_trigger_cools_down_within_a_batch_as_it_does_between_batches(shop, arrive):
    await arrive(shop, added("u", 1), added("u", 10), added("w", 20), added("u", 3601), added("u", 3602))

    assert reasons(shop) == [
        ("u", "sent"),
        ("u", "cooling_down"),
        ("w", "sent"),
        ("u", "sent"),
        ("u", "cooling_down"),
    ]
    assert shop.rows("SELECT u.user_key, fired_at FROM cooldowns JOIN users u USING (user_no) ORDER BY 1") == [
        ("u", START + 3601 * SECOND),
        ("w", START + 20 * SECOND),
    ]


VISIT = added(None, 0, anonymousId="a")
LINKED = {
    "the visitor fired": [VISIT, identify("u", "a", 1), added("u", 2)],
    "the user fired": [added("u", 0), VISIT, identify("u", "a", 1), added(None, 2, anonymousId="a")],
    "a chain": [VISIT, identify("u", "a", 1), event("", "w", 2, type="alias", previousId="u"), added("w", 3)],
    "linked at last": [VISIT, added("u", 1), identify("u", "a", 2), added("u", 3)],
}
EXPECTED = {
    "the visitor fired": ["sent", "cooling_down"],
    "the user fired": ["sent", "sent", "cooling_down"],
    "a chain": ["sent", "cooling_down"],
    "linked at last": ["sent", "sent", "cooling_down"],
}


@pytest.mark.parametrize("case", list(LINKED))
@pytest.mark.parametrize("cut", [1, 2, 3, 4])
async def test_cool_downs_follow_links_wherever_the_batches_are_cut(shop, case, cut):
    events = LINKED[case]
    await at_once(shop, *events[:cut])
    await at_once(shop, *events[cut:])

    assert [reason for _, reason in reasons(shop)] == EXPECTED[case]


async def test_what_fired_before_a_link_at_the_end_of_a_batch_cools_down_in_the_next_one(shop):
    await at_once(shop, VISIT, identify("u", "a", 1))
    await at_once(shop, added("u", 2))

    assert [reason for _, reason in reasons(shop)] == ["sent", "cooling_down"]


@WAYS
async def test_an_arm_is_drawn_for_who_somebody_was_then(tmp_path, arrive):
    """A link that follows in the same batch changes no arm that was drawn before it."""
    shop = Shop(tmp_path, policy=HALF)
    pairs = [(f"u{n}", f"a{n}") for n in range(12)]
    await shop.engine.ingest([event("Product Viewed", None, 0, anonymousId=visitor) for _, visitor in pairs])
    await shop.engine.ingest([event("Product Viewed", user, 1) for user, _ in pairs])
    for user, visitor in pairs:
        await arrive(shop, added(user, 2), identify(user, visitor, 3), added(user, 4))
    arms = shop.rows("SELECT u.user_key, d.arm FROM decisions d JOIN users u USING (user_no) ORDER BY d.at")
    split = shop.engine._tools.policy.triggers[0].split
    shop.close()

    expected = [(user, split.assign(unit).arm) for user, visitor in pairs for unit in (user, f"anonymous:{visitor}")]
    assert arms == expected
    assert len(set(arms)) > len(pairs)


async def test_a_batch_that_fails_leaves_no_firing_behind(shop):
    def fail(connection):
        raise ValueError

    done = await asyncio.gather(shop.engine.ingest([added("u", 1)]), shop.engine.write(fail), return_exceptions=True)

    assert isinstance(done[1], ValueError)
    assert [shop.rows(f"SELECT count(*) FROM {table}") for table in ("outbox", "cooldowns")] == [[(1,)], [(1,)]]
    assert len(shop.rows("SELECT * FROM decisions")) == 3


WAITING = """
format: 1
triggers:
  - &one
    name: one
    on: Product Added
    threshold: 0
    cool_down: 0
    hold_out: 0
    mode: live
    send: best_hour
    send_within: 3d
    cancel_on: Order Completed
    guards: {cap: {count: 1, window: 24h}}
  - {<<: *one, name: two, on: [Product Added, Wishlist Product Added]}
"""
TEN = 11 * 3600 + 46 * 60 + 40  # START is 2023-11-14, 22:13:20 UTC
DAY = 24 * 3600


def hours(shop):
    """Trigger, reason, the second of each decision and that to which it was put off."""
    found = shop.rows("SELECT trigger, reason, at, due_at FROM decisions ORDER BY at, trigger")
    return [
        (*said, round((at - START) / SECOND), due_at and round((due_at - START) / SECOND))
        for *said, at, due_at in found
    ]


@WAYS
async def test_of_two_messages_with_the_same_best_hour_the_second_waits_for_that_of_another_day(shops, arrive):
    shop = shops(WAITING)
    await arrive(shop, added("u", 0), added("w", 1))
    await shop.until(TEN + 2 * DAY)

    assert hours(shop) == [
        *[("one", "put_off", 0, TEN), ("two", "put_off", 0, TEN + DAY)],
        *[("one", "put_off", 1, TEN), ("two", "put_off", 1, TEN + DAY)],
        *[("one", "sent", TEN, None)] * 2,
        *[("two", "sent", TEN + DAY, None)] * 2,
    ]


async def test_a_place_that_was_given_up_is_free_again(shops):
    shop = shops(WAITING)
    await at_once(shop, added("u", 0), event("Order Completed", "u", 10, **CART))
    await at_once(shop, event("Wishlist Product Added", "u", 20, **CART))

    assert hours(shop)[-1] == ("two", "put_off", 20, TEN)


async def test_a_linked_id_brings_what_it_waits_for(shops):
    shop = shops(WAITING)
    await at_once(shop, VISIT, identify("u", "a", 1), event("Wishlist Product Added", "u", 2, **CART))

    # Its own place it may take anew, but not that of the other.
    assert hours(shop)[-1] == ("two", "put_off", 2, TEN + DAY)


async def test_the_answer_tells_that_what_is_pending_objects(shops):
    shop = shops(WAITING.replace("{<<: *one, name: two,", "{<<: *one, name: two, send_within: 20h,"))
    answer = await shop.engine.score([("u", None)], event=added("u", 0))
    told = {each.trigger: (each.reason, each.objections) for each in answer.scores[0].decisions}

    # From ten o'clock of tomorrow on a day has to pass, and to it one is left: none of that is within 20 hours.
    assert told == {"one": ("put_off", ("best_hour",)), "two": ("capped", ("pending",))}
