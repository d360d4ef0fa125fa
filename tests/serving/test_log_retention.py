"""A log that forgot old events gives everybody the state, the past and the parity that it gave before."""

import numpy as np
import pytest

from features.state import unpack
from serving.database import for_writing
from serving.errors import InvalidField
from serving.forgetting import forget_ledger
from serving.history_append import append_history
from serving.items import Fate
from serving.log_retention import OldEvents, forget_events
from serving.past import state_at
from serving.rebuild import rebuild, unreadable
from tests.serving.engines import SECOND, START, Shop, event, shop
from training.log import read_log
from training.parity import compare

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
DAY = 86_400
KEYS = ["u", "w", "anonymous:a", "anonymous:b"]


def visit(anonymous, day, **fields):
    return event("Product Added", None, day * DAY, anonymousId=anonymous, **fields, **CART)


def link(user, anonymous, day):
    return event("", user, day * DAY, type="identify", anonymousId=anonymous)


async def a_year(shop):
    """Two devices that turn out to be one person, who then takes another id, and a neighbour; every event evaluated."""
    happened = [
        visit("a", 1),
        event("Product Added", "w", 2 * DAY, **CART),
        visit("b", 3),
        event("Product Viewed", "u", 4 * DAY),
        link("u", "a", 5),
        event("Order Completed", "u", 6 * DAY, properties={"order_id": "o", "total": 20}),
        visit("b", 20),
        link("u", "b", 30),
        visit("b", 40),
        event("", "v", 50 * DAY, type="alias", previousId="u"),
        visit("a", 60),
        event("Product Added", "w", 70 * DAY, **CART),
    ]
    for each in happened:
        await shop.engine.score([(each.user_id, each.anonymous_id)], event=each)
    await shop.engine.flush()
    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'delivered'")
    return happened


def day(number):
    return START + number * DAY * SECOND


def forget(shop, before, *, ledger=True):
    """Forget everything that was known before a day, as a server does; return how many events that was."""
    old, gone = OldEvents(shop.database), 0
    with for_writing(shop.database).begin() as connection:
        while ledger and forget_ledger(connection, before=day(before)):
            pass
    for start in old.slices():
        people = old.people(start, before=day(before), is_last=True)
        with for_writing(shop.database).begin() as connection:
            gone += forget_events(connection, people, before=day(before))
    return gone


def known(shop, at):
    """Return what the past was like at a moment, of everybody."""
    with shop.database.connect() as connection:
        return {key: state_at(connection, key, at) for key in [*KEYS, "v"]}


@pytest.mark.parametrize("before", range(0, 75, 5))
async def test_states_and_the_past_since_then_are_what_they_were(shop, before):
    await a_year(shop)
    keys = ["v", "w"]
    stored = shop.online.read(keys)
    moments = [day(each) for each in range(max(before, 1), 80, 7)]
    past = [known(shop, at) for at in moments]
    forget(shop, before)

    found = [known(shop, at) for at in moments]
    for was, now in zip(past, found, strict=True):
        for key in was:
            assert now[key].features.tobytes() == was[key].features.tobytes(), key
            assert (now[key].user_no, now[key].seq) == (was[key].user_no, was[key].seq), key
    shop.online.delete(keys)
    with for_writing(shop.database).begin() as connection:
        assert rebuild(connection, shop.keeper) == 2
    assert shop.online.read(keys) == stored
    left = shop.rows("SELECT count(*) FROM events WHERE known_at < ?", day(before))
    # The newest event of the log stays.
    assert left == [(0,)] or before > 70


async def test_forgetting_again_and_again_is_forgetting_once(shop, tmp_path):
    await a_year(shop)
    counts = [forget(shop, before) for before in (3, 10, 10, 35, 65)]
    once = Shop(tmp_path / "once")
    await a_year(once)

    assert counts[2] == 0
    assert sum(counts) == forget(once, 65)
    kept = "SELECT user_no, owner_no, seq, known_at, state FROM kept_states ORDER BY user_no"
    assert [row[:4] for row in shop.rows(kept) if row[1] is None] == [row[:4] for row in once.rows(kept) if not row[1]]
    assert {row[4] for row in shop.rows(kept)} == {row[4] for row in once.rows(kept)}
    once.close()


async def test_parity_holds_and_counts_what_it_cannot_compare(shop):
    await a_year(shop)
    asked = await shop.engine.score([("w", None)], at=day(3))
    await shop.engine.flush()
    before = compare(shop.home / "opportune.db")
    assert (before.mismatches, before.forgotten) == (0, 0)
    assert asked.scores[0].decision_id is not None
    forget(shop, 35)
    found = compare(shop.home / "opportune.db")

    assert found.mismatches == 0
    # Asked today about the third day, of which the log knows no more.
    assert found.forgotten == 1
    assert found.rows == len(shop.rows("SELECT 1 FROM evaluations")) - 1 > 0


async def test_training_begins_where_everything_is_there(shop):
    await a_year(shop)
    whole = read_log(shop.home / "opportune.db")
    forget(shop, 35)
    log = read_log(shop.home / "opportune.db")

    assert whole.begins_at == 0
    assert log.span == (log.begins_at, whole.span[1])
    assert day(30) <= log.begins_at < day(35)
    assert log.fingerprint != whole.fingerprint
    at = np.full(len(log.user_keys), day(45))
    users = np.arange(len(log.user_keys))
    assert [log.user_keys[i] for i in log.owners(users, at)] == [whole.user_keys[i] for i in whole.owners(users, at)]


async def test_the_past_before_that_is_refused_and_not_made_up(shop):
    await a_year(shop)
    forget(shop, 35)

    with pytest.raises(InvalidField, match="has forgotten what was before 2023-12-15"):
        await shop.engine.score([("v", None)], at=day(30))
    answer = await shop.engine.score([("u", None)], at=day(35))
    assert answer.scores[0].known


async def test_an_event_of_before_is_dropped_live_and_imported_since_nobody_could_tell_whether_it_is_known(shop):
    happened = await a_year(shop)
    forget(shop, 35)
    taken = await shop.engine.ingest(happened[:3])
    with for_writing(shop.database).begin() as connection:
        found = append_history(connection, happened, origin="import", received_at=day(100))

    assert (taken.accepted, taken.outdated) == (0, 3)
    assert found == {Fate.OUTDATED: 8, Fate.DUPLICATE: 4}


async def test_after_a_year_too_early_what_happens_is_taken_as_ever(shop):
    happened = await a_year(shop)
    forget(shop, 400)
    taken = await shop.engine.ingest([*happened[-2:], event("Product Viewed", "w", 71 * DAY, **CART)])

    assert (taken.accepted, taken.duplicates, taken.outdated) == (1, 1, 1)


async def test_whoever_comes_back_after_all_their_events_were_forgotten_goes_on(shop):
    await a_year(shop)
    await shop.engine.ingest([event("Product Viewed", "x", 90 * DAY)])
    forget(shop, 89)
    assert shop.rows("SELECT count(*) FROM events") == [(1,)]
    added = event("Product Added", "w", 95 * DAY, **CART)
    answer = await shop.engine.score([("w", None)], event=added)

    assert answer.scores[0].features[list_index("cart_items")] == 3
    assert unpack((await shop.stored(["w"]))[0]) is not None
    assert compare(shop.home / "opportune.db").mismatches == 0


async def test_what_the_ledger_still_tells_of_stays_and_that_is_at_least_what_waits_to_be_sent(shop):
    await a_year(shop)
    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'pending' WHERE rowid = 1")

    assert forget(shop, 35, ledger=False) == 0
    gone = forget(shop, 35)
    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'delivered'")
    assert forget(shop, 35) > 0
    assert gone > 0


async def test_what_armed_a_timer_stays_and_all_that_came_after_it(tmp_path):
    waiting = """
format: 1
triggers:
  - {name: later, on: Product Added, after: 60d, horizon: 24h, threshold: 0%, cool_down: 1d, mode: live}
"""
    shop = Shop(tmp_path, policy=waiting)
    steps = [("Product Viewed", 1), ("Product Added", 2), ("Product Viewed", 3), ("Product Viewed", 40)]
    await shop.engine.ingest([event(name, "u", at * DAY, **CART) for name, at in steps])

    assert forget(shop, 30) == 1
    await shop.engine.ingest([event("Product Viewed", "w", 70 * DAY)])
    assert shop.rows("SELECT reason FROM decisions") != []
    assert forget(shop, 71) == 3
    shop.close()


async def test_a_state_of_another_layout_begins_where_the_log_does(shop):
    await a_year(shop)
    await shop.engine.ingest([event("Product Viewed", "x", 90 * DAY)])
    forget(shop, 89)
    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE kept_states SET state = x'00' WHERE state IS NOT NULL")
        assert rebuild(connection, shop.keeper) == 3
        assert unreadable(connection) == 2
    answer = await shop.engine.score([("w", None)], event=event("Product Added", "w", 95 * DAY, **CART))
    again = await shop.engine.score([("w", None)])

    assert answer.scores[0].features[list_index("cart_items")] == 1
    assert again.scores[0].known
    assert shop.keeper.rebuilt == 0


async def test_whoever_is_erased_is_not_kept_as_a_state_either(shop):
    await a_year(shop)
    forget(shop, 75)
    await shop.engine.erase("v")

    assert shop.rows("SELECT count(*) FROM kept_states JOIN users USING (user_no) WHERE user_key <> 'w'") == [(0,)]
    assert shop.rows("SELECT user_key FROM users") == [("w",)]


async def test_slices_without_old_events_are_read_once(shop, monkeypatch):
    await a_year(shop)
    monkeypatch.setattr("serving.log_retention.SLICE", 4)
    old = OldEvents(shop.database)
    starts = list(old.slices())
    assert starts == [0, 4, 8, 12]
    assert [len(old.people(each, before=day(5), is_last=each == 12)) for each in starts] == [2, 1, 0, 0]

    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE events SET known_at = 0")
    assert [len(old.people(each, before=day(5), is_last=each == 12)) for each in starts] == [2, 1, 0, 1]


def list_index(name):
    from features.catalog import CATALOGUE

    return CATALOGUE.names.index(name)
