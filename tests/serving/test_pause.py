"""One switch stops all sending, whoever throws it; what waited goes out afterwards."""

import asyncio
import os
import sys

import pytest

from serving import outbox
from serving.message import Message
from serving.pause import in_words, is_paused, pause, paused_since, resume
from tests.commands import told
from tests.conftest import ROOT
from tests.serving.databases import NOW, SECOND, database, rows
from tests.serving.receivers import receiving
from tests.serving.test_dispatcher import attempts, clock, dispatching, enqueue, standing

__all__ = ["attempts", "clock", "database"]
WITHIN_S = 1.0


def throw(database, switch):
    with database.begin() as connection:
        pause(connection, at=NOW) if switch == "on" else resume(connection)


def test_pausing_twice_keeps_since_when_and_resuming_ends_it(database):
    with database.begin() as connection:
        assert not is_paused(connection)
        pause(connection, at=NOW)
        pause(connection, at=NOW + SECOND)
        assert (is_paused(connection), paused_since(connection)) == (True, NOW)
        assert in_words(connection).startswith("All sending is paused since 2023-11-14T22:13:20")
        resume(connection)
        resume(connection)
        assert in_words(connection) == "Messages go out; 0 wait in the outbox."


async def test_nothing_is_claimed_while_paused_and_what_waited_goes_out_within_a_second_after(
    database, clock, attempts
):
    throw(database, "on")
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url) as dispatcher:
        enqueue(database, clock, 1, 2)
        dispatcher.wake()
        await asyncio.sleep(WITHIN_S)
        assert (receiver.ids, standing(database)) == ([], [("pending", 0, None)] * 2)
        throw(database, "off")
        async with asyncio.timeout(WITHIN_S):
            await attempts.number(2)

    assert standing(database) == [("delivered", 1, None)] * 2


async def test_a_flood_stops_within_a_second_when_another_process_throws_the_switch(
    database, clock, attempts, tmp_path
):
    enqueue(database, clock, *range(20_000))
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url):
        while not receiver.ids:
            await asyncio.sleep(0.01)
        command, environment = (
            [sys.executable, "-m", "serving.pause", "on"],
            {**os.environ, "OPPORTUNE_HOME": str(tmp_path)},
        )
        switch = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
        assert await switch.wait() == 0
        await asyncio.sleep(WITHIN_S)
        sent = len(receiver.ids)
        await asyncio.sleep(WITHIN_S)
        assert 0 < len(receiver.ids) == sent < 20_000

    assert rows(database, "SELECT count(*) FROM outbox WHERE status = 'pending'") == [(20_000 - sent,)]


async def test_what_expired_during_a_pause_is_dead_afterwards_and_the_rest_goes_out(database, clock, attempts):
    throw(database, "on")
    short = Message("msg_short", "short.cart", "mail", "{}", clock(), 60 * SECOND)
    long = Message("msg_long", "long.cart", "mail", "{}", clock(), 3600 * SECOND)
    with database.begin() as connection:
        outbox.enqueue(connection, [short, long], at=clock())
    clock.forward(120)
    throw(database, "off")
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url):
        await attempts.number(1)

    assert receiver.ids == ["msg_long"]
    assert standing(database) == [("delivered", 1, None), ("withdrawn", 0, "expired: it could not be sent in time")]


@pytest.mark.parametrize(
    ("switch", "said"), [("on", "All sending is paused since"), ("off", "Messages go out"), ("status", "Messages go")]
)
def test_the_command_says_how_it_stands(tmp_path, switch, said):
    done = told(tmp_path, "serving.pause", switch)

    assert done.returncode == 0
    assert done.stdout.startswith(said)
    assert f"No server ran in {tmp_path} yet; one with another OPPORTUNE_HOME does not hear of this" in done.stderr
