"""Whom a trigger begins with: whoever the log shows to wait already, spread out, once, and nobody else."""

import asyncio
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.source import parse
from policy.timing import timing
from serving import policy_sequel
from serving.clock import wall
from serving.enrolment import Enrolment, enrolled
from serving.history_append import append_history
from serving.policy_sequel import follow
from tests.serving.engines import SECOND, START, Shop, event, shops

__all__ = ["shops"]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
ABANDONED = """
triggers:
  - name: abandoned
    on: Product Added
    after: 30 min
    key: {key}
    cancel_on: Order Completed
    expires_after: 1h
    enrol: existing
    enrol_per_hour: {per_hour}
    threshold: 0
    cool_down: 0
    hold_out: 0
"""
QUIET = """
triggers:
  - name: gone-quiet
    on: Page Viewed
    inactive_for: 14d
    cancel_on: Order Completed
    enrol: existing
    threshold: 0
    cool_down: 0
    hold_out: 0
"""
TIMERS = "SELECT user_key, key, due_at FROM timers JOIN users USING (user_no) ORDER BY due_at, user_key, key"


def abandoned(*, per_hour=1_000_000, key="user"):
    return ABANDONED.format(per_hour=per_hour, key=key)


def added(user, at, product="p"):
    return event("Product Added", user, at, properties={"product_id": product, "price": 2, "quantity": 1})


def ordered(user, at, product="p"):
    return event("Order Completed", user, at, properties={"products": [{"product_id": product}], "order_id": f"{at}"})


@pytest.fixture
def shop(shops):
    """A shop without triggers; its clock is that of a replay."""
    return shops("triggers: []")


async def imported(shop, *events, now):
    """Let a history be imported, and the clock reach a moment after it."""
    history = sorted(events, key=lambda each: each.occurred_at)
    await shop.engine.write(lambda c: append_history(c, history, origin="import", received_at=wall()))
    shop.clock.accept(START + round(now * SECOND))


async def put(shop, text):
    policy = parse(text)
    change = await shop.engine.replace_policy(policy)
    await follow(shop.engine, shop.database, policy, change)


def looked_at(shop, text):
    """Let a policy decide, and look at whom it enrols; return what writes that down."""
    shop.tools.policy, shop.tools.timing = (policy := parse(text)), timing(policy)
    enrolment = Enrolment(policy.triggers[0], shop.clock.now())
    with shop.database.connect() as connection:
        people = enrolment.look(connection, after=0, at_most=10)
        progress = enrolment.progress(connection)
    return partial(enrolment.enrol, people=people, before=progress)


def waiting(shop):
    """Who waits, for what, and from the start of the shop until when in seconds."""
    return [(user, key, (due_at - START) / SECOND) for user, key, due_at in shop.rows(TIMERS)]


def who_waits(shop):
    return sorted({user for user, _, _ in waiting(shop)})


async def test_imported_history_enrols_nobody_unless_asked(shop):
    await imported(shop, added("u", 0), now=10 * MINUTE)
    await put(
        shop, abandoned().replace("enrol: existing", "enrol: from_now").replace("    enrol_per_hour: 1000000\n", "")
    )

    assert waiting(shop) == []


async def test_who_would_still_wait_waits_until_the_moment_they_would_have(shop):
    await imported(shop, added("u", 0), added("u", 5 * MINUTE), now=10 * MINUTE)
    await put(shop, abandoned())
    [(user, key, until)] = waiting(shop)

    assert (user, key) == ("u", "")
    assert 35 * MINUTE <= until < 35 * MINUTE + 0.01


async def test_who_is_enrolled_is_decided_about_before_what_comes_in_with_the_enrolment(shop):
    await imported(shop, added("u", 0), now=10 * MINUTE)
    asks = abandoned() + "    when: {feature: {name: cart_items, at_least: 1}}\n"
    enrol = looked_at(shop, asks)
    enrolling = shop.engine.write(enrol)
    await asyncio.gather(enrolling, shop.engine.ingest([event("Page Viewed", "x", 60 * MINUTE)]))

    assert shop.rows("SELECT user_key, reason FROM decisions JOIN users USING (user_no)") == [("u", "dry_run")]


async def test_nobody_is_enrolled_by_what_a_machine_did(shop):
    opened = [event("Email Opened", user, 0, properties={"machine": user == "gateway"}) for user in ("gateway", "ann")]
    await imported(shop, *opened, now=10 * MINUTE)
    await put(shop, abandoned().replace("on: Product Added", "on: Email Opened"))

    assert who_waits(shop) == ["ann"]


async def test_nobody_is_enrolled_whose_order_comes_in_with_the_enrolment(shop):
    await imported(shop, added("u", 0), added("v", 0), now=10 * MINUTE)
    enrol = looked_at(shop, abandoned())
    ordering = shop.engine.ingest([ordered("u", 10 * MINUTE)])
    await asyncio.gather(ordering, shop.engine.write(enrol))

    assert who_waits(shop) == ["v"]


async def test_whose_moment_has_just_passed_is_decided_about_now_and_whose_has_long_passed_is_not(shop):
    now = 100 * MINUTE
    await imported(shop, added("just", 20 * MINUTE), added("long", 9 * MINUTE), now=now)
    await put(shop, abandoned())

    assert who_waits(shop) == ["just"]
    assert 0 <= waiting(shop)[0][2] - now < 0.01


async def test_what_was_cancelled_is_not_waited_for(shop):
    await imported(
        shop,
        *(added("u", 0), ordered("u", MINUTE)),
        *(ordered("again", 0), added("again", MINUTE)),
        *(added("x", 0, "a"), added("x", 0, "b"), ordered("x", MINUTE, "a")),
        now=10 * MINUTE,
    )
    await put(shop, abandoned(key="product"))

    assert [(user, key) for user, key, _ in waiting(shop)] == [("x", "b"), ("again", "p")]


async def test_who_is_quiet_since_long_ago_comes_due_now_and_who_is_not_yet_quiet_when_they_are(shop):
    now = 60 * DAY
    seen = [event("Page Viewed", user, 0) for user in ("long", "soon", "bought")]
    later = [event("Products Searched", "soon", 50 * DAY), ordered("bought", DAY)]
    await imported(shop, *seen, *later, event("Products Searched", "never-viewed", 0), now=now)
    await put(shop, QUIET)
    found = {user: until for user, _, until in waiting(shop)}

    assert set(found) == {"long", "soon"}
    assert 0 <= found["long"] - now < 4
    assert 0 <= found["soon"] - 64 * DAY < 4


async def test_no_more_than_so_many_come_due_in_an_hour_and_who_would_be_too_late_is_left_out(shop, caplog):
    caplog.set_level("INFO")
    await imported(shop, *(added(f"u{n:02}", n) for n in range(40)), now=40 * MINUTE)
    await put(shop, abandoned(per_hour=10))
    moments = [until for _, _, until in waiting(shop)]

    assert all(later - earlier >= 360 for earlier, later in pairwise(moments))
    assert max(moments) <= 90 * MINUTE + 40
    assert 8 <= len(moments) <= 9
    assert caplog.messages[-1] == (
        f"trigger abandoned enrolled {len(moments)} who waited already; {40 - len(moments)} would have come too late"
    )


async def test_it_happens_once_and_a_new_threshold_enrols_nobody_anew(shop):
    await imported(shop, added("u", 0), now=10 * MINUTE)
    await put(shop, abandoned())
    await imported(shop, added("later", 5 * MINUTE), now=10 * MINUTE)
    await put(shop, abandoned().replace("threshold: 0", "threshold: 10%"))

    assert who_waits(shop) == ["u"]

    await put(shop, abandoned().replace("after: 30 min", "after: 40 min"))

    assert who_waits(shop) == ["later", "u"]


async def test_who_was_decided_about_is_not_enrolled_for_the_same_event_again(shop):
    await imported(shop, added("u", 0), added("w", 0), now=10 * MINUTE)
    await put(shop, abandoned())
    await shop.until(40 * MINUTE)
    await imported(shop, added("w", 35 * MINUTE), now=40 * MINUTE)
    await put(
        shop, abandoned().replace("expires_after: 1h", "expires_after: 2h").replace("after: 30 min", "after: 31 min")
    )

    assert who_waits(shop) == ["w"]


async def test_a_trigger_that_comes_back_enrols_those_whose_waiting_was_ended(shop):
    await imported(shop, added("u", 0), now=10 * MINUTE)
    await put(shop, abandoned())
    await put(shop, "triggers: []")
    ended = waiting(shop)
    await put(shop, abandoned())

    assert ended == []
    assert who_waits(shop) == ["u"]


async def test_a_timer_that_waits_stays_as_it_is(shop):
    from_now = abandoned().replace("enrol: existing", "enrol: from_now")
    await put(shop, from_now)
    await shop.engine.ingest([added("u", 0)])
    before = waiting(shop)
    await put(shop, abandoned())

    assert waiting(shop) == before != []


async def test_nobody_who_is_excluded_is_enrolled_but_test_users_where_they_are_meant(shop):
    await imported(shop, added("u", 0), added("t", 0), added("staff", 0), now=10 * MINUTE)
    await shop.engine.write(
        lambda c: c.exec_driver_sql(
            "UPDATE users SET excluded = iif(user_key = 't', 'test', 'staff') WHERE user_key <> 'u'"
        )
    )
    await put(shop, abandoned())
    live = who_waits(shop)
    await put(shop, "triggers: []")
    await put(shop, abandoned() + "    mode: test_profiles\n")

    assert live == ["u"]
    assert who_waits(shop) == ["t", "u"]


async def test_the_events_of_every_id_of_a_person_count(shop):
    await imported(
        shop,
        event("Product Added", None, 0, anonymousId="a", properties={"product_id": "p"}),
        event("", "u", MINUTE, type="identify", anonymousId="a"),
        now=10 * MINUTE,
    )
    await put(shop, abandoned())

    assert who_waits(shop) == ["u"]


@pytest.mark.parametrize("stops_after", [0, 1, 3])
async def test_a_restart_in_the_middle_goes_on_where_it_was_left_off(shop, tmp_path, monkeypatch, stops_after):
    monkeypatch.setattr(policy_sequel, "AT_ONCE", 2)
    users = [f"u{n:02}" for n in range(9)]
    await imported(shop, *(added(user, n) for n, user in enumerate(users)), now=10 * MINUTE)
    policy = parse(abandoned(per_hour=60))
    await shop.engine.replace_policy(policy)
    enrolment = Enrolment(policy.triggers[0], shop.engine.now())
    with shop.database.connect() as connection:
        progress = enrolment.progress(connection)
    for _ in range(stops_after):
        with shop.database.connect() as connection:
            people = enrolment.look(connection, after=progress.through, at_most=2)
        progress = await shop.engine.write(partial(enrolment.enrol, people=people, before=progress))
    before = waiting(shop)
    again = Shop(tmp_path, policy=abandoned(per_hour=60))
    again.clock.accept(shop.clock.now())
    await follow(again.engine, again.database, again.engine.policy, None)
    moments = [until for _, _, until in waiting(again)]
    with again.database.connect() as connection:
        told = enrolled(connection, policy.triggers[0])
    again.close()

    assert len(before) == 2 * stops_after
    assert who_waits(shop) == users
    assert set(before) <= set(waiting(shop))
    assert len(set(moments)) == told == 9


async def test_any_event_lets_somebody_wait_and_any_event_cancels_where_the_file_says_so(shop):
    await imported(
        shop,
        added("u", 0),
        event("Page Viewed", "u", MINUTE),
        added("v", MINUTE),
        event("Spun A Wheel", "w", 0),
        now=DAY,
    )
    await put(shop, QUIET.replace("on: Page Viewed", 'on: "*"'))
    assert who_waits(shop) == ["u", "v", "w"]

    await put(shop, abandoned().replace("cancel_on: Order Completed", 'cancel_on: "*"').replace("1h", "2d"))
    assert who_waits(shop) == ["v"]


async def test_what_happens_between_looking_and_writing_counts(shop):
    await imported(shop, added("u", 0), added("w", 0), now=10 * MINUTE)
    policy = parse(abandoned())
    await shop.engine.replace_policy(policy)
    enrolment = Enrolment(policy.triggers[0], shop.engine.now())
    with shop.database.connect() as connection:
        people, progress = enrolment.look(connection, after=0, at_most=10), enrolment.progress(connection)
    await imported(shop, ordered("u", 11 * MINUTE), now=11 * MINUTE)
    await shop.engine.write(partial(enrolment.enrol, people=people, before=progress))

    assert who_waits(shop) == ["w"]


async def test_another_policy_ends_an_enrolment_that_is_under_way(shop, monkeypatch):
    monkeypatch.setattr(policy_sequel, "AT_ONCE", 1)
    monkeypatch.setattr(policy_sequel, "REST_S", 0.02)
    await imported(shop, *(added(f"u{n}", 0) for n in range(50)), now=10 * MINUTE)
    policy = parse(abandoned())
    change = await shop.engine.replace_policy(policy)
    under_way = asyncio.create_task(follow(shop.engine, shop.database, policy, change))
    while not waiting(shop):
        await asyncio.sleep(0.005)
    await put(shop, "triggers: []")
    await asyncio.wait_for(under_way, 10)

    assert waiting(shop) == []
    assert 0 < shop.rows("SELECT count(*) FROM decisions WHERE reason = 'policy_changed'")[0][0] < 50


moments = st.integers(0, 120).map(lambda minutes: minutes * MINUTE)
histories = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["add", "order"]), moments), max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.sampled_from(["user", "product"]))
async def test_enrolled_is_the_last_of_each_thing_that_nothing_cancelled_and_whose_moment_is_not_long_gone(
    tmp_path_factory, history, key
):
    made = {"add": added, "order": ordered}
    once = {(product, kind, at): made[kind]("u", at, product) for product, kind, at in sorted(history, key=_at)}
    now = 130 * MINUTE
    shop = Shop(tmp_path_factory.mktemp("shop"), policy="triggers: []")
    await imported(shop, *once.values(), now=now)
    await put(shop, abandoned(key=key))
    expected = {}
    for product, kind, at in once:
        thing = "" if key == "user" else product
        expected.pop(thing, None)
        if kind == "add":
            expected[thing] = at
    found = {thing: until for _, thing, until in waiting(shop)}
    shop.close()

    assert found.keys() == {thing for thing, at in expected.items() if at + 30 * MINUTE >= now - HOUR}
    assert all(0 <= until - max(now, expected[thing] + 30 * MINUTE) < 0.02 for thing, until in found.items())


def _at(row):
    return row[2]
