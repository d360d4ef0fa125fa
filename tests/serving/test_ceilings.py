"""Ceilings hold in every window, across dispatchers and restarts."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from serving.ceilings import Ceilings
from serving.schema import send_counts
from tests.serving.databases import NOW, SECOND, a_database, database
from tests.serving.receivers import receiving
from tests.serving.test_dispatcher import attempts, clock, dispatching, enqueue

__all__ = ["attempts", "clock", "database"]
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND


def test_without_a_ceiling_there_is_any_room_and_nothing_is_counted(database):
    with database.begin() as connection:
        Ceilings().count(connection, 5, NOW)
        assert Ceilings().room(connection, NOW) is None
        assert connection.execute(send_counts.select()).all() == []


def test_the_narrower_ceiling_decides(database):
    ceilings = Ceilings(per_minute=10, per_day=12)
    with database.begin() as connection:
        assert ceilings.room(connection, NOW) == 10
        ceilings.count(connection, 10, NOW)
        assert ceilings.room(connection, NOW + MINUTE - SECOND) == 0
        assert ceilings.room(connection, NOW + MINUTE + 10 * SECOND) == 2
        assert ceilings.room(connection, NOW + DAY + 10 * SECOND) == 10


def test_a_clock_set_back_holds_up_nobody_for_longer_than_a_window(database):
    ceilings = Ceilings(per_minute=10)
    with database.begin() as connection:
        ceilings.count(connection, 10, NOW)
        assert ceilings.room(connection, NOW - MINUTE) == 0
        assert ceilings.room(connection, NOW - 2 * MINUTE) == 10


def test_what_a_restart_finds_is_what_was_counted_before(tmp_path):
    ceilings = Ceilings(per_day=3)
    with a_database(tmp_path) as first, first.begin() as connection:
        ceilings.count(connection, 3, NOW)
    with a_database(tmp_path) as second, second.begin() as connection:
        assert ceilings.room(connection, NOW + MINUTE) == 0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), max_size=60), st.integers(1, 20))
def test_no_minute_ever_exceeds_the_ceiling(steps, most):
    ceilings, at, sent = Ceilings(per_minute=most), NOW, []
    database = create_engine("sqlite://")
    with database.begin() as connection:
        send_counts.create(connection)
        for wait_s, wanted in steps:
            at += wait_s * SECOND
            taken = min(wanted, ceilings.room(connection, at))
            ceilings.count(connection, taken, at)
            sent += [at] * taken
    database.dispose()

    assert all(sum(since <= each < since + MINUTE for each in sent) <= most for since in sent)


async def test_two_dispatchers_together_send_no_more_than_the_ceiling(database, clock, attempts):
    enqueue(database, clock, *range(50))
    options = {"ceilings": Ceilings(per_minute=7)}
    async with (
        receiving() as receiver,
        dispatching(database, clock, attempts, mail=receiver.url, **options),
        dispatching(database, clock, attempts, mail=receiver.url, **options),
    ):
        await attempts.number(7)
        await asyncio.sleep(1)
        assert len(receiver.ids) == 7
        clock.forward(71)
        await attempts.number(14)
