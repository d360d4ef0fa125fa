"""Triggers that ask about visits and segments, on the real engine."""

from dataclasses import replace

import pytest

from tests.serving.engines import Live, Shop, at_once, event, one_by_one, shops

__all__ = ["shops"]
MINUTE = 60
POLICY = """
segments:
  - name: regulars
    when:
      visits: {within: 7d, at_least: 2}
triggers:
  - name: visit-over
    on: "*"
    inactive_for: 30 min
    threshold: 0%
    cool_down: 0
    hold_out: 0
    mode: live
    when:
      session: {length: {at_least: 5 min}, events: {at_least: 3}, products: {exactly: 2}}
  - name: third-look
    on: Product Viewed
    threshold: 0%
    cool_down: 0
    hold_out: 0
    mode: live
    when:
      count: {event: Product Viewed, within: session, exactly: 3}
  - name: hello-again
    on: Product Viewed
    threshold: 0%
    cool_down: 0
    hold_out: 0
    mode: live
    when:
      segment: regulars
"""
DECIDED = "SELECT trigger, reason, (at - 1700000000000000) / 60000000 FROM decisions ORDER BY at, rowid"


@pytest.fixture
def shop(shops):
    return shops(POLICY)


def view(minute, product, user="u"):
    return event("Product Viewed", user, minute * MINUTE, properties={"product_id": product})


def decisions(shop, trigger):
    return [each[1:] for each in shop.rows(DECIDED) if each[0] == trigger]


async def test_a_trigger_decides_when_a_visit_has_just_ended_and_knows_what_it_was_like(shop):
    await one_by_one(shop, view(0, "a"), view(2, "b"), view(7, "a"), view(200, "a"))
    await shop.until(400 * MINUTE)

    assert decisions(shop, "visit-over") == [("sent", 37), ("condition_not_met", 230)]


async def test_a_count_within_the_visit_begins_anew_with_the_next_one(shop):
    await one_by_one(shop, *(view(minute, "a") for minute in (0, 1, 60, 61, 62, 63)))

    assert [reason for reason, _ in decisions(shop, "third-look")] == [
        *["condition_not_met"] * 4,
        "sent",
        "condition_not_met",
    ]


async def test_a_segment_holds_at_the_very_event_that_makes_it_so(shop):
    await shop.engine.ingest([view(0, "a")])
    await shop.engine.ingest([view(40, "a")])

    assert decisions(shop, "hello-again") == [("condition_not_met", 0), ("sent", 40)]


async def test_what_is_linked_later_in_the_same_batch_was_not_known_before(shop):
    await shop.engine.ingest([view(0, "a", user="v")])
    link = event("", "u", 41 * MINUTE, type="alias", previousId="v")
    await at_once(shop, view(40, "a"), link, view(42, "a"))

    assert decisions(shop, "hello-again") == [("condition_not_met", 0), ("condition_not_met", 40), ("sent", 42)]


DECILES = """
triggers:
  - name: likeliest
    on: Product Viewed
    threshold: 0%
    cool_down: 0
    when:
      intent: {decile: {at_least: 9}}
"""


@pytest.mark.parametrize(
    ("deciles", "reason"),
    [
        ((), "condition_not_met"),
        ((0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.3, 0.4), "dry_run"),
        ((0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.31, 0.4), "condition_not_met"),
    ],
)
async def test_a_decile_is_that_of_the_model_in_service_and_a_model_without_has_none(tmp_path, deciles, reason):
    shop = Shop(tmp_path, policy=DECILES, probability=0.3)
    shop.tools.scorer = replace(shop.tools.scorer, deciles={"24h": deciles} if deciles else {})
    await shop.engine.ingest([view(0, "a")])

    assert decisions(shop, "likeliest") == [(reason, 0)]
    shop.close()


async def test_a_clock_that_is_two_hours_ahead_is_on_the_same_visit(shops):
    shop = shops(POLICY, Live)
    for minute in range(3):
        await shop.hear(minute * MINUTE, "Product Viewed", said=(minute + 120) * MINUTE)

    assert [reason for reason, _ in decisions(shop, "third-look")] == ["condition_not_met"] * 2 + ["sent"]
