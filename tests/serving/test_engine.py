"""The batch loop: durable, exactly once, and never more than the log says."""

import asyncio
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.state import pack, position, unpack
from serving import backlog
from serving import engine as engine_module
from serving.batch import Batch
from serving.errors import NotReady, Overloaded
from serving.items import Fate
from serving.rebuild import rebuild
from serving.states import StateKeeper
from tests.serving.engines import SECOND, START, Shop, event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 3}}


def feature(score, name):
    """One feature of a scored user."""
    return score.features[CATALOGUE.names.index(name)]


async def ask(shop, user, event=None, **asked):
    answer = await shop.engine.score([(user, None)], event=event, **asked)
    return answer.scores[0]


async def test_a_score_includes_the_event_that_asked_for_it(shop):
    first = await ask(shop, "u", event("Product Added", "u", **CART))
    second = await ask(shop, "u")

    assert feature(first, "cart_items") == 3
    assert feature(first, "cart_value") == 6
    assert feature(second, "cart_items") == 3


async def test_an_event_of_an_unknown_name_that_is_known_already_is_no_unknown_one_more(shop):
    spun = event("Wheel Spun", "u")

    first = await shop.engine.ingest([spun, event("Product Viewed", "u", 1)])
    again = await shop.engine.ingest([spun])

    assert (first.accepted, first.unknown) == (2, 1)
    assert (again.accepted, again.duplicates, again.unknown) == (0, 1, 0)


async def test_an_event_sent_twice_is_folded_and_decided_once_even_after_a_restart(shop, tmp_path):
    added = event("Product Added", "u", **CART)
    first = await ask(shop, "u", added)
    again = await ask(shop, "u", added)
    together = await shop.engine.ingest([added, added])
    shop.close()
    restarted = Shop(tmp_path)
    later = await ask(restarted, "u", added)

    assert (first.fate, again.fate, later.fate) == (Fate.ACCEPTED, Fate.DUPLICATE, Fate.DUPLICATE)
    assert (together.accepted, together.duplicates) == (0, 2)
    assert feature(later, "cart_items") == 3
    assert [len(each.decisions) for each in (first, again, later)] == [1, 0, 0]
    assert restarted.rows("SELECT count(*) FROM events") == [(1,)]
    restarted.close()


async def test_nobody_is_known_before_their_first_event(shop):
    stranger = await ask(shop, "u")

    assert not stranger.known
    assert stranger.decision_id is None
    assert shop.rows("SELECT count(*) FROM users") == [(0,)]


async def test_a_look_that_is_not_to_be_kept_leaves_nothing_in_the_ledger(shop):
    await shop.engine.ingest([event("Product Viewed", "ann")])

    [kept] = (await shop.engine.score([("ann", None)])).scores
    [looked] = (await shop.engine.score([("ann", None)], keep=False)).scores
    await shop.engine.flush()

    assert looked.decision_id is None
    assert shop.rows("SELECT decision_id FROM evaluations") == [(kept.decision_id,)]


async def test_many_requests_share_a_batch_and_each_gets_its_own_answer(shop):
    asked = [
        ask(shop, f"u{i}", event("Product Added", f"u{i}", i, properties={"price": 1, "quantity": i}))
        for i in range(1, 50)
    ]
    answers = await asyncio.gather(*asked)

    assert [feature(each, "cart_items") for each in answers] == list(range(1, 50))


async def test_one_bad_item_costs_nobody_else(shop):
    def fail(connection):
        connection.exec_driver_sql("INSERT INTO facts VALUES ('half', 'done')")
        raise ValueError("no")

    good, bad, other = await asyncio.gather(
        ask(shop, "u", event("Product Added", "u", **CART)),
        shop.engine.write(fail),
        ask(shop, "w", event("Product Added", "w", **CART)),
        return_exceptions=True,
    )

    assert isinstance(bad, ValueError)
    assert feature(good, "cart_items") == feature(other, "cart_items") == 3
    assert shop.rows("SELECT count(*) FROM events") == [(2,)]
    assert shop.rows("SELECT count(*) FROM facts") == [(0,)]


async def test_a_linked_id_brings_its_cart_and_its_cool_down_and_keeps_its_arm(shop):
    visitor = {"anonymousId": "a"}
    added = event("Product Added", None, 1, **visitor, **CART)
    first = (await shop.engine.score([(None, "a")], event=added)).scores[0]
    await shop.engine.ingest([event("", "u", 2, type="identify", **visitor)])
    second = await ask(shop, "u", event("Product Added", "u", 3, **CART))
    both = (await shop.engine.score([("u", None), (None, "a")])).scores

    assert first.decisions[0].action in ("send", "control")
    assert feature(second, "cart_items") == 6
    assert second.decisions[0].reason == "cooling_down"
    assert both[0].features.tobytes() == both[1].features.tobytes()
    assert shop.rows("SELECT unit FROM users WHERE user_key = 'u'") == [("anonymous:a",)] or shop.rows(
        "SELECT user_key FROM users ORDER BY user_no"
    ) == [("anonymous:a",), ("u",)]


async def test_the_units_of_linked_ids_are_that_of_the_earliest(shop):
    await shop.engine.ingest([event("Product Viewed", None, 1, anonymousId="a")])
    await shop.engine.ingest([event("", "u", 2, type="identify", anonymousId="a")])

    assert shop.rows("SELECT unit FROM users WHERE user_key = 'u'") == [("anonymous:a",)]


async def test_a_withheld_message_cools_down_like_a_sent_one_and_is_not_sent(shop):
    names = [f"u{i}" for i in range(40)]
    first = [await ask(shop, name, event("Product Added", name, 1, **CART)) for name in names]
    second = [await ask(shop, name, event("Product Added", name, 60, **CART)) for name in names]
    actions = {each.decisions[0].action for each in first}
    sent = sum(each.decisions[0].action == "send" for each in first)

    assert actions == {"send", "control"}
    assert {each.decisions[0].reason for each in second} == {"cooling_down"}
    assert shop.rows("SELECT count(*) FROM outbox") == [(sent,)]
    assert shop.woken


async def test_an_order_is_the_outcome_of_the_decisions_before_it(shop):
    first = await ask(shop, "u", event("Product Added", "u", 1, **CART))
    await shop.engine.ingest([event("Order Completed", "u", 100, properties={"order_id": "o", "revenue": 12})])
    await shop.engine.ingest([event("Order Completed", "u", 86_400 * 3, properties={"order_id": "o2", "revenue": 5})])

    assert shop.rows("SELECT trigger_decision_id, kind, value FROM outcomes") == [
        (first.decisions[0].decision_id, "order", 12.0)
    ]


async def test_staff_and_inhuman_visitors_are_held_back(shop):
    clicks = [event("Product Viewed", "bot", i * 0.01) for i in range(400)]
    await shop.engine.ingest(clicks)
    held = await ask(shop, "bot", event("Product Added", "bot", 10, **CART))

    assert held.decisions[0].reason == "excluded_user"


async def test_a_past_moment_is_folded_from_the_log(shop):
    early = await shop.engine.score([("u", None)], event=event("Product Added", "u", 1, **CART))
    await ask(shop, "u", event("Product Removed", "u", 50, **CART))
    past = await shop.engine.score([("u", None), ("w", None)], at=early.at)

    assert past.scores[0].features.tobytes() == early.scores[0].features.tobytes()
    assert not past.scores[1].known


async def test_on_the_replay_clock_asking_about_a_later_moment_moves_it(shop):
    await ask(shop, "u", event("Product Added", "u", 1, **CART))
    later = await shop.engine.score([("u", None)], at=START + 3600 * SECOND)

    assert later.at == START + 3600 * SECOND
    assert feature(later.scores[0], "cart_idle_h") == pytest.approx(1.0, abs=1e-3)


async def test_moments_never_repeat_so_that_what_was_read_can_be_told_from_what_came_after(shop):
    for _ in range(5):
        await asyncio.gather(
            *(
                ask(shop, "u", event("Product Viewed", "u", 1, properties={"n": np.random.default_rng().random()}))
                for _ in range(8)
            ),
            ask(shop, "u"),
        )
    await shop.engine.flush()
    moments = [row[0] for row in shop.rows("SELECT at FROM evaluations ORDER BY decision_id")]

    assert len(moments) == 45
    assert len(set(moments)) == 45


@pytest.mark.parametrize("damage", ["lost", "torn", "behind", "ahead", "other layout"])
async def test_a_state_that_does_not_match_the_log_is_rebuilt_from_it(shop, damage):
    await ask(shop, "u", event("Product Added", "u", 1, **CART))
    [behind] = await shop.stored(["u"])
    good = await ask(shop, "u", event("Product Added", "u", 2, **CART))
    [packed] = await shop.stored(["u"])
    ahead = unpack(packed)
    ahead[1] += 7
    other = unpack(packed)
    other[0] += 1
    bytes_of = {"lost": b"", "torn": packed[:-3], "behind": behind, "ahead": pack(ahead), "other layout": pack(other)}
    shop.online.write([("u", bytes_of[damage], START + 10 * SECOND)])
    before = shop.keeper.rebuilt
    found = await ask(shop, "u")

    assert feature(found, "cart_items") == feature(good, "cart_items") == 6
    assert shop.keeper.rebuilt == before + 1


async def test_whoever_asks_the_online_store_sees_a_new_state_within_a_second(shop):
    await ask(shop, "u", event("Product Added", "u", **CART))
    at_once, asked_at = shop.online.read(["u"]), time.monotonic()
    while (soon := shop.online.read(["u"])) == [None] and time.monotonic() - asked_at < 1:
        await asyncio.sleep(0.01)

    assert at_once == [None]
    assert position(unpack(soon[0])) == 1


async def test_what_is_not_stored_yet_is_read_all_the_same(shop, monkeypatch):
    # Stored by nobody but the test: the machine may be slow.
    monkeypatch.setattr("serving.engine.STATES_FOR_S", 60.0)
    found = [await ask(shop, "u", event("Product Added", "u", at, **CART)) for at in range(3)]

    assert shop.online.read(["u"]) == [None]
    assert [feature(each, "cart_items") for each in found] == [3, 6, 9]
    assert shop.keeper.rebuilt == 0


async def test_what_a_crash_kept_from_the_store_is_rebuilt_from_the_log(shop, tmp_path, monkeypatch):
    monkeypatch.setattr("serving.engine.STATES_FOR_S", 60.0)
    for at in range(3):
        await ask(shop, "u", event("Product Added", "u", at, **CART))
    after = Shop(tmp_path)
    found = await ask(after, "u")
    after.close()

    assert feature(found, "cart_items") == 9
    assert after.keeper.rebuilt == 1


async def test_large_arrivals_do_not_share_one_endless_transaction(shop, monkeypatch):
    sizes = []
    run = Batch.run

    def watched(self, items):
        sizes.append(sum(len(each.events) for each in items))
        return run(self, items)

    monkeypatch.setattr(Batch, "run", watched)
    arrivals = [[event("Product Viewed", f"u{i}-{j}", i) for j in range(300)] for i in range(5)]
    await asyncio.gather(*(shop.engine.ingest(each) for each in arrivals))

    assert sizes == [600, 600, 300]


async def test_a_lost_online_store_is_rebuilt_as_a_whole(shop):
    await shop.engine.ingest([event("Product Added", f"u{i}", 1, **CART) for i in range(20)])
    await shop.engine.flush()
    shop.online.write([(f"u{i}", b"", START + 9 * SECOND) for i in range(20)])
    with shop.database.connect() as connection:
        assert rebuild(connection, StateKeeper(shop.online)) == 20
    found = [await ask(shop, f"u{i}") for i in range(20)]

    assert {feature(each, "cart_items") for each in found} == {3}
    assert shop.keeper.rebuilt == 0


async def test_too_many_waiting_requests_are_refused_at_once(shop, monkeypatch):
    monkeypatch.setattr(backlog, "MOST_WAITING", 3)
    answers = await asyncio.gather(*(ask(shop, "u") for _ in range(5)), return_exceptions=True)

    assert [type(each) is Overloaded for each in answers] == [False, False, False, True, True]


async def test_closing_answers_what_waits_and_refuses_what_comes(shop):
    waiting = asyncio.ensure_future(shop.engine.ingest([event("Product Added", "u", **CART)]))
    await asyncio.sleep(0)
    shop.engine.close()

    assert (await waiting).accepted == 1
    with pytest.raises(NotReady):
        await shop.engine.ingest([event("Product Added", "u", 5, **CART)])
    assert shop.rows("SELECT count(*) FROM events") == [(1,)]


async def test_unknown_names_are_counted_with_the_nearest_known_one(shop):
    await shop.engine.ingest([event("Product Viewd", "u", i) for i in range(3)])

    assert shop.rows("SELECT name, seen, nearest FROM unknown_names") == [("Product Viewd", 3, "Product Viewed")]


NAMES = ("Product Viewed", "Product Added", "Product Removed", "Order Completed", "Something Else")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.sampled_from(NAMES), st.sampled_from("uvw"), st.integers(0, 5000)),
        st.tuples(st.just("visit"), st.sampled_from(NAMES), st.sampled_from("abc"), st.integers(0, 5000)),
        st.tuples(st.just("identify"), st.sampled_from("uvw"), st.sampled_from("abc"), st.integers(0, 5000)),
        st.tuples(st.just("alias"), st.sampled_from("uvw"), st.sampled_from("xyz"), st.integers(0, 5000)),
        st.tuples(st.just("event"), st.sampled_from(NAMES), st.sampled_from("xyz"), st.integers(0, 5000)),
    ),
    min_size=1,
    max_size=40,
)


def as_event(i, step):
    """One step of a made-up history, late events and equal times included."""
    what, first, second, at = step
    match what:
        case "event":
            return event(first, second, at, n=i, **CART)
        case "visit":
            return event(first, None, at, n=i, anonymousId=second, **CART)
        case "identify":
            return event("", first, at, type="identify", n=i, anonymousId=second)
        case _:
            return event("", first, at, type="alias", n=i, previousId=second)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, cuts=st.lists(st.integers(1, 6), max_size=40))
async def test_states_after_any_history_in_any_batches_equal_a_rebuild_from_the_log(tmp_path_factory, steps, cuts):
    shop = Shop(tmp_path_factory.mktemp("shop"))
    events = [as_event(i, step) for i, step in enumerate(steps)]
    while events:
        size = cuts.pop() if cuts else 7
        await asyncio.gather(*(shop.engine.ingest([each]) for each in events[:size]))
        events = events[size:]
    keys = [row[0] for row in shop.rows("SELECT user_key FROM users WHERE merged_into IS NULL AND last_seq > 0")]
    served = await shop.stored(keys)
    with shop.database.connect() as connection:
        rebuild(connection, StateKeeper(shop.online))
    rebuilt = shop.online.read(keys)
    shop.close()

    assert served == rebuilt


async def test_a_rebuilt_state_is_stored_so_that_it_is_rebuilt_once(shop):
    await ask(shop, "u", event("Product Added", "u", **CART))
    await shop.engine.flush()
    shop.online.write([("u", b"", START + 9 * SECOND)])
    before = shop.keeper.rebuilt
    for _ in range(3):
        await ask(shop, "u")

    assert shop.keeper.rebuilt == before + 1


async def test_while_nothing_can_be_written_plain_scores_are_answered_and_kept_for_later(shop, monkeypatch, caplog):
    monkeypatch.setattr(engine_module, "MOST_UNWRITTEN", 10)
    monkeypatch.setattr(engine_module, "UNWRITTEN_FOR_S", 0.1)
    await shop.engine.ingest([event("Product Added", "u", 1, **CART)])
    with shop.database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON evaluations BEGIN SELECT raise(FAIL, 'full'); END"
        )
    for _ in range(50):
        await ask(shop, "u")
        await asyncio.sleep(0)
    # Not a try for each score: that would only fill the log.
    failures = len(caplog.records)
    with shop.database.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    async with asyncio.timeout(20):
        while shop.rows("SELECT count(*) FROM evaluations") != [(51,)]:
            await asyncio.sleep(0.01)

    assert 1 <= failures <= 10


async def test_closing_goes_on_when_the_latest_plain_scores_cannot_be_written(tmp_path, caplog):
    shop = Shop(tmp_path)
    await shop.engine.ingest([event("Product Viewed", "u", 1)])
    await ask(shop, "u")
    with shop.database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE evaluations")
    shop.close()

    assert "could not be written down" in caplog.text
    with pytest.raises(NotReady):
        await ask(shop, "u")
