"""Feature vectors of old evaluations are forgotten; everything else stays."""

import asyncio

import pytest

from features.moments import DAY_US
from serving import retention
from serving.log import decision_id
from serving.retention import keep_pruning, prune_features
from serving.settings import Settings
from tests.serving.engines import SECOND, START, event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
KEPT = "SELECT at FROM evaluations WHERE features IS NOT NULL ORDER BY at"


@pytest.fixture
async def aged(shop):
    """A shop with an evaluation on each of ten days; answers their moments."""
    moments = []
    for day in range(10):
        answer = await shop.engine.score([("u", None)], event=event("Product Added", "u", day * 86_400 + 1, **CART))
        moments.append(answer.at)
    shop.moments = moments
    return shop


def pruned(shop, before, at_once=2000):
    with shop.database.begin() as connection:
        return prune_features(connection, before=before, at_once=at_once)


def kept(shop):
    return [at for (at,) in shop.rows(KEPT)]


async def test_vectors_before_a_moment_are_forgotten_and_those_from_it_on_stay(aged):
    assert pruned(aged, aged.moments[4]) == 4
    assert kept(aged) == aged.moments[4:]
    assert pruned(aged, aged.moments[4]) == 0
    assert pruned(aged, aged.moments[6]) == 2
    assert kept(aged) == aged.moments[6:]


async def test_scores_and_decisions_stay(aged):
    columns = "decision_id, seq, at, scores, models, answered_at"
    before = aged.rows(f"SELECT {columns} FROM evaluations"), aged.rows("SELECT * FROM decisions")
    pruned(aged, aged.moments[-1] + 1)

    assert kept(aged) == []
    assert (aged.rows(f"SELECT {columns} FROM evaluations"), aged.rows("SELECT * FROM decisions")) == before


async def test_much_is_forgotten_a_little_at_a_time_the_oldest_first(aged):
    steps = []
    while pruned(aged, aged.moments[8], at_once=3):
        steps.append(kept(aged)[0])

    assert steps == [aged.moments[3], aged.moments[6], aged.moments[8]]


async def test_nothing_is_older_than_the_beginning_of_time(aged):
    assert pruned(aged, -DAY_US) == 0
    assert kept(aged) == aged.moments


async def test_what_was_forgotten_is_not_looked_at_again(aged):
    """Ids ascend with their moments, so that the position is enough, also after a restart."""
    pruned(aged, aged.moments[7])

    assert aged.rows("SELECT value FROM facts WHERE name = 'features_pruned_until'") == [
        (decision_id(aged.moments[6]),)
    ]
    with aged.database.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {retention._NEXT}", ("a", "b", 5)).all()
    assert [row[3] for row in plan if "SCAN" in row[3]] == []


async def test_a_server_forgets_by_its_own_clock_and_goes_on_after_a_failure(aged, monkeypatch, caplog):
    monkeypatch.setattr(retention, "LOOK_EVERY_S", 0.005)
    with aged.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE facts RENAME TO elsewhere")
    pruning = asyncio.create_task(
        keep_pruning(
            aged.engine,
            Settings(keep_features_days=3),
            database=aged.database,
            longest_cap_us=lambda: 0,
            now=aged.engine.now,
        )
    )
    async with asyncio.timeout(20):
        while "could not be forgotten" not in caplog.text:
            await asyncio.sleep(0.001)
        assert kept(aged) == aged.moments
        with aged.database.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO facts")
        while len(kept(aged)) == 10:
            await asyncio.sleep(0.001)
    pruning.cancel()

    assert aged.engine.now() == START + (9 * 86_400 + 1) * SECOND
    # Three days before the newest event; what happened at that very moment stays.
    assert kept(aged) == aged.moments[6:]
