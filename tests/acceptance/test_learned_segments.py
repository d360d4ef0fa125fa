"""Conditions on learned segments, on the real engine: decided, kept, told and audited like all others."""

import json
from dataclasses import replace

import pytest

from serving.champions import Champions
from serving.segment_audit import audit
from serving.segments import adopt, tend_all
from tests.models.bundles import change_manifest
from tests.models.segments import a_bundle, segments
from tests.serving.engines import Shop, event

MINUTE = 60
POLICY = """
segments:
  - name: newcomers
    when: {learned: {rfm: [new, potential-loyalists]}}
  - name: lookers
    when: {learned: {clusters: [many-views-few-orders]}}
triggers:
  - name: thank-you
    on: Page Viewed
    threshold: 0%
    cool_down: 0
    when: {learned: {rfm: [new, potential-loyalists]}}
  - name: to-lookers
    on: Page Viewed
    threshold: 0%
    cool_down: 0
    when: {segment: lookers}
"""
ORDER = {"properties": {"order_id": "o-1", "revenue": 15, "products": [{"product_id": "a", "price": 15}]}}


@pytest.fixture
async def shop(tmp_path):
    shop = Shop(tmp_path, policy=POLICY)
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    yield shop
    shop.close()


def learned(shop, **fields):
    shop.engine.replace_models(replace(shop.tools.scorer, learned=segments(**fields)))


def reasons(shop, trigger):
    query = "SELECT reason FROM decisions WHERE trigger = ? ORDER BY at, rowid"
    return [reason for (reason,) in shop.rows(query, trigger)]


def changes(shop):
    return shop.rows("SELECT segment, entered, cause FROM segment_changes ORDER BY change_id")


async def test_nobody_is_in_a_segment_that_was_not_learned_and_the_next_event_knows_one_that_was(shop):
    await shop.engine.ingest([event("Order Completed", "u", 0, **ORDER)])
    await shop.engine.ingest([event("Page Viewed", "u", MINUTE)])
    assert reasons(shop, "thank-you") == ["condition_not_met"]
    assert changes(shop) == []

    learned(shop)
    # Half a day ago, one order, 15 of revenue: scores 5, 1 and 1.
    await shop.engine.ingest([event("Page Viewed", "u", 12 * 60 * MINUTE)])
    assert reasons(shop, "thank-you") == ["condition_not_met", "dry_run"]
    assert changes(shop) == [("newcomers", 1, "event")]

    learned(shop, rfm=None)
    await shop.engine.ingest([event("Page Viewed", "u", 13 * 60 * MINUTE)])
    assert reasons(shop, "thank-you")[-1] == "condition_not_met"
    assert changes(shop) == [("newcomers", 1, "event"), ("newcomers", 0, "event")]


async def test_behaviour_decides_at_the_very_event_and_the_audit_agrees(shop):
    learned(shop)
    for minute in range(12):
        viewed = event("Product Viewed", "u", minute * MINUTE, n=minute, properties={"product_id": "a"})
        await shop.engine.ingest([viewed])
    await shop.engine.ingest([event("Page Viewed", "u", 13 * MINUTE), event("Page Viewed", "v", 13 * MINUTE)])
    await shop.until(14 * MINUTE)
    await tend_all(shop.engine, shop.database)
    with shop.database.connect() as connection:
        found = audit(connection, shop.engine.policy, shop.tools.scorer)

    assert sorted(reasons(shop, "to-lookers")) == ["condition_not_met", "dry_run"]
    assert ("lookers", 1, "event") in changes(shop)
    assert (found.people, found.differences, found.waiting) == (2, [], 0)


async def test_the_answer_on_features_tells_the_segments_of_the_model_that_decided(shop):
    learned(shop)
    await shop.engine.ingest([event("Order Completed", "u", 0, **ORDER)])
    answer = await shop.engine.score([("u", None)])
    told = shop.tools.scorer.learned.all_of(answer.scores[0].features)

    assert told["rfm"] == "new"
    assert told["clusters"] == "few-views-many-orders"


def point(bundles, version):
    """Write a bundle, have the pointer name it as the registry process does, and return where it is."""
    path = f"opportune-segments/{version}"
    found = a_bundle(bundles / path)
    (bundles / "champions.json").write_text(json.dumps({"segments": {"name": "opportune-segments", "path": path}}))
    return found


def test_a_bundle_is_taken_up_and_a_damaged_one_is_refused_while_the_old_one_stays(tmp_path):
    champions = Champions(tmp_path, ("24h",))
    assert champions.load().learned is None
    assert champions.unlearned({"rfm/new"}) == [
        "the policy names the learned segment rfm/new, which is not in service: nobody is in it"
    ]

    point(tmp_path, 1)
    assert champions.load().versions["segments"] == "opportune-segments/1"
    assert champions.unlearned({"rfm/new", "clusters/gone"}) == [
        "the policy names the learned segment clusters/gone, which is not in service: nobody is in it"
    ]

    change_manifest(point(tmp_path, 2), lambda manifest: manifest["clusters"].update(names=["a"]))
    assert champions.load().learned.version == "1"
    remark = champions.refusals()["segments"]
    assert "opportune-segments/2/manifest.json is damaged" in remark
    assert remark.endswith("version 1 stays")

    point(tmp_path, 3)
    assert champions.load().learned.version == "3"
    assert champions.refusals() == {}
