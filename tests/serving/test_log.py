"""The log: whose an event is, when it became known, and what it links."""

import asyncio

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalog import DECLARATIONS
from features.declare import Trait
from features.events import RECORD_WIDTH
from features.fold import fold
from features.layout import compile_catalogue
from features.state import read
from serving.database import for_writing
from serving.history_append import append_history
from serving.items import Fate
from serving.log import component_rows, decision_id, last_moment, moment_of
from tests.serving.databases import database, rows
from tests.serving.engines import SECOND, START, Shop, event, shop

__all__ = ["database", "shop"]
DAY = 86_400
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
OWNERS = "SELECT u.user_key, p.user_key FROM users u JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)"
MOMENTS = "SELECT known_at FROM events ORDER BY seq"


def identify(user, anonymous, at):
    return event("", user, at, type="identify", anonymousId=anonymous)


def alias(user, previous, at, **fields):
    return event("", user, at, type="alias", previousId=previous, **fields)


def visit(anonymous, at, **fields):
    return event("Product Added", None, at, anonymousId=anonymous, **CART, **fields)


def history(database, *events, now=START + 30 * DAY * SECOND):
    with for_writing(database).begin() as connection:
        return append_history(connection, events, origin="import", received_at=now)[Fate.ACCEPTED]


def seconds(database):
    """When each event became known, in seconds after START."""
    return [(known_at - START) / SECOND for (known_at,) in rows(database, MOMENTS)]


def test_an_identified_visitor_is_the_user_from_then_on(database):
    history(database, visit("a", 1), identify("u", "a", 2), visit("a", 3))

    assert rows(database, OWNERS + " ORDER BY u.user_no") == [("anonymous:a", "u"), ("u", "u")]
    assert rows(
        database,
        "SELECT user_key, linked_no IS NOT NULL FROM events JOIN users USING (user_no) ORDER BY seq",
    ) == [("anonymous:a", 0), ("u", 1), ("u", 0)]


def test_a_visitor_identified_before_their_first_event_is_the_user_too(database):
    history(database, identify("u", "a", 1), visit("a", 2))

    assert dict(rows(database, OWNERS)) == {"anonymous:a": "u", "u": "u"}


def test_an_id_claimed_by_two_users_stays_with_the_first(database):
    history(database, visit("a", 1), identify("u", "a", 2), identify("w", "a", 3), visit("a", 4))

    assert dict(rows(database, OWNERS)) == {"anonymous:a": "u", "u": "u", "w": "w"}
    assert rows(database, "SELECT count(*) FROM events WHERE linked_no IS NOT NULL") == [(1,)]


def test_aliases_of_aliases_end_at_the_last_user(database):
    history(database, visit("a", 1), identify("u", "a", 2), alias("w", "u", 3), alias("x", "w", 4), visit("a", 5))

    assert set(dict(rows(database, OWNERS)).values()) == {"x"}
    assert rows(database, "SELECT last_seq FROM users WHERE user_key = 'x'") == [(5,)]


def test_an_alias_links_the_id_it_is_about_whatever_cookie_came_with_it(database):
    known = (event("Product Viewed", "old", 1), visit("cookie", 2), event("Product Viewed", "new", 3))

    history(database, *known, alias("new", "old", 4, anonymousId="cookie"))

    assert dict(rows(database, OWNERS)) == {"old": "new", "new": "new", "anonymous:cookie": "anonymous:cookie"}


def test_of_a_visitor_and_a_user_of_one_id_an_alias_links_the_visitor_and_the_next_one_the_user(database):
    known = (visit("x", 1), event("Product Viewed", "x", 2))

    history(database, *known, alias("u", "x", 3, n=1))
    assert dict(rows(database, OWNERS)) == {"anonymous:x": "u", "x": "x", "u": "u"}

    history(database, alias("u", "x", 4, n=2))
    assert dict(rows(database, OWNERS)) == {"anonymous:x": "u", "x": "u", "u": "u"}


def test_linking_in_a_circle_changes_nothing(database):
    history(database, event("Product Viewed", "u", 1), alias("w", "u", 2), alias("u", "w", 3), identify("u", "a", 4))

    assert set(dict(rows(database, OWNERS)).values()) == {"w"}


def test_an_alias_of_somebody_never_seen_links_nobody(database):
    history(database, alias("u", "nobody", 1))

    assert dict(rows(database, OWNERS)) == {"u": "u"}


def test_history_becomes_known_when_it_happened_and_never_twice_at_one_moment(database):
    history(database, *(event("Product Viewed", "u", at, n=n) for n, at in enumerate((1, 1, 1, 2, 2))))

    assert seconds(database) == [1, 1.000001, 1.000002, 2, 2.000001]


def test_history_that_comes_after_newer_history_is_known_after_it(database):
    history(database, event("Product Viewed", "u", 100))
    added = history(database, event("Product Viewed", "u", 50), event("Product Viewed", "w", 50))

    assert added == 2
    assert seconds(database) == [100, 100.000001, 50]
    assert rows(database, "SELECT occurred_at FROM events ORDER BY seq")[1] == (START + 50 * SECOND,)


def test_a_link_is_known_after_all_that_is_known_of_either_id(database):
    history(database, visit("a", 100))
    history(database, identify("u", "a", 50), event("Product Viewed", "u", 60))

    assert seconds(database) == [100, 100.000001, 100.000002]


def test_history_is_not_known_before_it_came(database):
    history(database, event("Product Viewed", "u", 100), now=START + 40 * SECOND)

    assert seconds(database) == [40]


def test_the_same_history_twice_adds_nothing(database):
    events = [visit("a", 1), identify("u", "a", 2)]

    assert [history(database, *events, *events), history(database, *events)] == [2, 0]


async def test_history_that_comes_after_somebody_was_asked_about_is_known_after_the_answer(shop):
    await shop.engine.ingest([event("Product Viewed", "u", 1), event("Product Viewed", "w", 1)])
    asked = await shop.engine.score([("u", None)], at=START + 100 * SECOND)
    await shop.engine.flush()
    history(shop.database, event("Product Viewed", "u", 50), event("Product Viewed", "w", 50))
    moments = dict(shop.rows("SELECT user_key, last_known_at FROM users"))

    assert moments == {"u": asked.at + 1, "w": START + 50 * SECOND}


async def test_live_events_go_on_after_imported_ones(shop):
    history(shop.database, event("Product Viewed", "u", 500, n=1), event("Product Viewed", "u", 500, n=2))
    first = await shop.engine.score([("u", None)], event=event("Product Viewed", "u", 10))
    second = await shop.engine.score([("u", None)])

    assert START + 500 * SECOND + 1 < first.at < second.at
    assert shop.rows("SELECT DISTINCT origin FROM events ORDER BY 1") == [("import",), ("replay",)]


NAMES = st.sampled_from(["u", "w", "x"])
VISITORS = st.sampled_from(["a", "b"])
EVENTS = st.one_of(
    st.builds(lambda user, at: ("view", user, at), NAMES, st.integers(0, 20)),
    st.builds(lambda visitor, at: ("visit", visitor, at), VISITORS, st.integers(0, 20)),
    st.builds(lambda user, visitor, at: ("identify", user, visitor, at), NAMES, VISITORS, st.integers(0, 20)),
    st.builds(lambda user, previous, at: ("alias", user, previous, at), NAMES, st.sampled_from("uwxab"), st.just(9)),
)


def an_event(number, step):
    """One step of a made-up history."""
    match step:
        case ("view", user, at):
            return event("Product Viewed", user, at, n=number)
        case ("visit", visitor, at):
            return event("Product Viewed", None, at, n=number, anonymousId=visitor)
        case ("identify", user, visitor, at):
            return event("", user, at, n=number, type="identify", anonymousId=visitor)
        case (_, user, previous, at):
            return event("", user, at, n=number, type="alias", previousId=previous if previous != user else "p")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(st.booleans(), st.lists(EVENTS, min_size=1, max_size=6)), min_size=1, max_size=5))
async def test_along_each_persons_log_moments_ascend_strictly_whoever_wrote_it(tmp_path_factory, parts):
    shop = Shop(tmp_path_factory.mktemp("shop"))
    number = 0
    for imported, steps in parts:
        events = [an_event(number := number + 1, step) for step in steps]
        if imported:
            history(shop.database, *sorted(events, key=lambda each: each.occurred_at))
        else:
            await shop.engine.ingest(events)
    roots = [no for (no,) in shop.rows("SELECT user_no FROM users WHERE merged_into IS NULL")]
    with shop.database.connect() as connection:
        logs = [component_rows(connection, [root])[0] for root in roots]
    late = shop.rows("SELECT count(*) FROM events WHERE occurred_at > known_at")
    kept = shop.rows("SELECT last_seq, last_known_at FROM users WHERE merged_into IS NULL AND last_seq > 0")
    newest = shop.rows("SELECT max(seq), max(known_at) FROM events GROUP BY user_no")
    shop.close()

    for log in logs:
        for user in set(log.user.tolist()):
            assert (np.diff(log.known_at[log.user == user]) > 0).all()
        for row in np.flatnonzero(log.linked >= 0):
            # What a link brings along was known before the link.
            brought = log.known_at[:row][log.user[:row] == log.linked[row]]
            assert (brought < log.known_at[row]).all()
    assert late == [(0,)]
    assert set(kept) <= set(newest)


async def test_what_is_told_of_a_person_is_read_back_from_the_log_for_a_catalogue_that_declares_it(shop):
    declared = compile_catalogue([*DECLARATIONS, Trait(name="age", meaning="Age", trait="age")])
    told = [event("", "u", at, type="identify", traits={"age": age}) for at, age in ((1, 30), (2, "old"), (4, 31))]
    await shop.engine.ingest([*told[:2], event("Product Added", "u", 3, **CART), told[2]])
    with shop.database.connect() as connection:
        (number,) = connection.exec_driver_sql("SELECT user_no FROM users").one()
        log, _ = component_rows(connection, [number], catalogue=declared)
        plain, _ = component_rows(connection, [number])

    np.testing.assert_array_equal(log.records[:, RECORD_WIDTH:], [[30], [-np.inf], [np.nan], [31]])
    assert log.records[:, :RECORD_WIDTH].tobytes() == plain.records.tobytes()
    assert read(fold(log, np.array([3]), catalogue=declared)[0], START + 5 * SECOND, catalogue=declared)[-1] == 31.0


def test_ids_of_evaluations_sort_like_their_ticks():
    ticks = [0, 1, 15, 16, START, START + 1, 1 << 51]
    ids = [decision_id(tick, place) for tick in ticks for place in (0, 999)]

    assert ids == sorted(ids)
    assert [moment_of(each) for each in ids[::2]] == ticks


async def test_the_last_moment_is_that_of_the_log_or_of_the_ledger(shop):
    with shop.database.connect() as connection:
        assert last_moment(connection) == 0
        connection.rollback()
        await shop.engine.ingest([event("Product Viewed", "u", 1)])
        assert last_moment(connection) == START + SECOND
        connection.rollback()
        asked = await shop.engine.score([("u", None)], at=START + 5 * SECOND)
        await shop.engine.flush()
        await shop.engine.flush()
        assert last_moment(connection) == asked.at == START + 5 * SECOND


async def test_history_is_imported_beside_a_server_and_neither_fails(shop):
    """Both read before they write; whoever comes second waits."""
    parts = [
        [event("Product Viewed", f"u{n % 5}", n, n=n) for n in range(start, start + 20)] for start in range(0, 400, 20)
    ]
    importing = asyncio.create_task(asyncio.to_thread(lambda: [history(shop.database, *part) for part in parts]))
    answered = 0
    while not importing.done():
        added = event("Product Added", f"u{answered % 7}", 1000 + answered, n=answered, **CART)
        await shop.engine.score([(added.user_id, None)], event=added)
        answered += 1

    assert await importing == [20] * 20
    assert answered > 0
    assert shop.rows("SELECT count(*), max(seq) FROM events") == [(400 + answered, 400 + answered)]
