"""Each kind of row goes when it is old enough, and what still waits stays with all it needs."""

from functools import partial

import pytest

from features.moments import DAY_US
from serving import forgetting
from serving.retention import kinds
from serving.settings import Settings
from tests.serving.engines import SECOND, START, event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
TABLES = ("evaluations", "decisions", "outcomes", "outbox", "deliveries")
ORPHANS = "SELECT count(*) FROM {} WHERE message_id NOT IN (SELECT message_id FROM outbox)"


@pytest.fixture
async def aged(shop):
    """A shop with a decision, a message and a delivery on each of ten days, and an order after each."""
    for day in range(10):
        user = f"u{day}"
        added = event("Product Added", user, day * 86_400, **CART)
        await shop.engine.score([(user, None)], event=added)
        bought = event("Order Completed", user, day * 86_400 + 60, properties={"order_id": f"o{day}", "total": 5})
        await shop.engine.ingest([bought])
    await shop.engine.flush()
    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'delivered', created_at = due_at")
        connection.exec_driver_sql("INSERT INTO deliveries SELECT message_id, 1, due_at, 200, NULL, 1 FROM outbox")
        connection.exec_driver_sql("INSERT INTO renderings SELECT message_id, '{}', due_at FROM outbox")
    return shop


def run(shop, forget, before, at_once=2000):
    with shop.database.begin() as connection:
        return forget(connection, before=before, at_once=at_once)


def counts(shop, *tables):
    return [shop.rows(f"SELECT count(*) FROM {each}")[0][0] for each in tables]


def day(number):
    return START + number * DAY_US - 1


async def test_the_ledger_goes_with_all_that_hangs_on_it_the_oldest_first(aged):
    before = counts(aged, *TABLES)
    while run(aged, forgetting.forget_ledger, day(4), at_once=2):
        pass

    assert 0 < before[3] <= 10
    moments = aged.rows("SELECT min(at) FROM evaluations UNION ALL SELECT min(at) FROM decisions")
    assert all(at >= day(4) for (at,) in moments)
    assert counts(aged, *TABLES)[:3] == [6, 6, 6]
    assert aged.rows("SELECT count(*) FROM outbox WHERE due_at < ?", day(4)) == [(0,)]
    assert [aged.rows(ORPHANS.format(each)) for each in ("deliveries", "renderings")] == [[(0,)], [(0,)]]
    assert counts(aged, "events") == [20]


async def test_what_waits_to_be_sent_keeps_its_decision_and_that_its_evaluation(aged):
    with aged.database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'pending' WHERE rowid = 1")
    while run(aged, forgetting.forget_ledger, day(11), at_once=3):
        pass

    assert counts(aged, "evaluations", "decisions", "outbox", "deliveries") == [1, 1, 1, 1]
    assert run(aged, forgetting.forget_messages, day(11)) == 0


async def test_messages_go_before_their_decisions(aged):
    decisions = counts(aged, "decisions")
    while run(aged, forgetting.forget_messages, day(11), at_once=2):
        pass

    assert counts(aged, "outbox", "deliveries") == [0, 0]
    assert counts(aged, "decisions") == decisions


async def test_rejects_sends_and_changes_of_segments_go_by_their_own_moments(aged):
    with aged.database.begin() as connection:
        for number in range(5):
            at = START + number * SECOND
            connection.exec_driver_sql("INSERT INTO rejects VALUES (NULL, ?, '', '', '', '', '')", (at,))
            connection.exec_driver_sql("INSERT INTO reports VALUES (?, 's', 'n', 1, ?, 0)", (str(at), at))
            connection.exec_driver_sql("INSERT OR IGNORE INTO sends VALUES (1, ?, 'old', 'webhook')", (at,))
            connection.exec_driver_sql("INSERT INTO segment_changes VALUES (NULL, 1, 's', ?, 1, 'event', 'v')", (at,))
        connection.exec_driver_sql("DELETE FROM sends WHERE trigger <> 'old'")
    for table in ("rejects", "reports", "sends", "segment_changes"):
        forget = partial(forgetting.forget_rows, table=table)
        assert run(aged, forget, START + 3 * SECOND, at_once=2) == 2
        assert run(aged, forget, START + 3 * SECOND, at_once=2) == 1
        assert run(aged, forget, START + 3 * SECOND, at_once=2) == 0

    assert counts(aged, "rejects", "reports", "sends", "segment_changes") == [2, 2, 2, 2]


def days(settings, cap_us=0):
    return {each.name: each.days() for each in kinds(settings, lambda: cap_us)}


def test_nothing_but_vectors_rejects_strangers_and_sends_goes_unless_it_is_asked_for():
    assert days(Settings()) == {"feature vectors": 90, "rejects": 90, "reports about nobody": 90, "sends": 90}


def test_decisions_are_kept_no_longer_than_the_events_they_were_made_for():
    assert days(Settings(keep_events_days=100))["decisions"] == 100
    assert days(Settings(keep_events_days=100, keep_decisions_days=40))["decisions"] == 40
    assert days(Settings(keep_events_days=100, keep_decisions_days=400))["decisions"] == 100
    assert days(Settings(keep_decisions_days=400))["decisions"] == 400


def test_messages_are_kept_no_longer_than_decisions_those_of_segments_too():
    assert days(Settings(keep_events_days=100))["messages"] == 100
    assert days(Settings(keep_decisions_days=40, keep_messages_days=7))["messages"] == 7
    assert days(Settings(keep_decisions_days=40, keep_messages_days=70))["messages"] == 40
    assert days(Settings(keep_messages_days=70))["messages"] == 70


def test_what_a_cap_counts_is_kept_as_long_as_the_cap_looks_back():
    assert days(Settings(keep_sends_days=7), cap_us=30 * DAY_US)["sends"] == 30
    assert days(Settings(keep_sends_days=70), cap_us=30 * DAY_US)["sends"] == 70
