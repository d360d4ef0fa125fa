"""While another process writes, the server goes on answering, and writes as soon as it can."""

import asyncio
import sqlite3
import time
from contextlib import closing, contextmanager

import pytest

from serving.errors import DatabaseGone, NotWritable, WrittenElsewhere
from serving.write_lock import LOOK_EVERY_S, blamed
from tests.serving.engines import SECOND, START, event, shop

__all__ = ["shop"]


@contextmanager
def written_elsewhere(shop):
    """Hold the right to write, as another process does."""
    with closing(sqlite3.connect(shop.home / "opportune.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def longest_standstill(until):
    """Return for how long the loop stood still at most while something went on."""
    longest = 0.0
    while not until.done():
        begun = time.monotonic()
        await asyncio.sleep(0.001)
        longest = max(longest, time.monotonic() - begun)
    return longest


async def test_events_wait_for_whoever_writes_while_scores_and_all_else_go_on(shop):
    with written_elsewhere(shop):
        taken = asyncio.gather(*(shop.engine.ingest([event("Product Viewed", f"u{n}", n)]) for n in range(20)))
        standstill = asyncio.ensure_future(longest_standstill(taken))
        for _ in range(10):
            answer = await asyncio.wait_for(shop.engine.score([("u1", None)]), 2)
            assert answer.scores[0].known is False
            await asyncio.sleep(0.02)
        assert not taken.done()

    assert [each.accepted for each in await taken] == [1] * 20
    assert await standstill < 0.5
    assert shop.rows("SELECT count(*) FROM events") == [(20,)]


async def test_what_is_read_from_the_log_waits_for_nobody_either(shop):
    await shop.engine.ingest([event("Product Viewed", "u", 1)])
    await shop.engine.flush()
    shop.online.write([("u", b"lost", START)])

    with written_elsewhere(shop):
        past = await shop.engine.score([("u", None)], at=START + 3 * SECOND)
        rebuilt = await shop.engine.score([("u", None)])

    assert past.scores[0].known
    assert rebuilt.scores[0].known
    assert shop.keeper.rebuilt == 1


async def test_who_waited_for_too_long_is_told_and_the_next_ones_wait_anew(shop, monkeypatch):
    monkeypatch.setattr("serving.write_lock.BUSY_S", 0.2)
    for _ in range(2):
        with written_elsewhere(shop):
            begun = time.monotonic()
            told = await asyncio.gather(
                *(shop.engine.ingest([event("Product Viewed", "u", n)]) for n in range(9)), return_exceptions=True
            )
            assert [type(each) for each in told] == [WrittenElsewhere] * 9
            assert 0.2 <= time.monotonic() - begun < 2

    assert (await shop.engine.ingest([event("Product Viewed", "u", 1)])).accepted == 1


async def test_whoever_stops_meanwhile_answers_what_waits(shop):
    with written_elsewhere(shop):
        taken = asyncio.ensure_future(shop.engine.ingest([event("Product Viewed", "u", 1)]))
        await asyncio.sleep(0.1)
        shop.engine.close()
        with pytest.raises(WrittenElsewhere):
            await taken


@pytest.mark.parametrize("other", [None, b"a copy of last night"])
async def test_what_would_go_to_a_file_that_has_no_name_any_more_is_refused(shop, other):
    file, kept = shop.home / "opportune.db", shop.home / "kept.db"
    await shop.engine.ingest([event("Product Viewed", "u", 1)])
    file.rename(kept)
    if other is not None:
        file.write_bytes(other)
    await asyncio.sleep(LOOK_EVERY_S)

    for _ in range(2):
        with pytest.raises(DatabaseGone, match="removed or replaced"):
            await shop.engine.ingest([event("Product Viewed", "u", 2)])
    assert isinstance(shop.engine.trouble, DatabaseGone)

    kept.replace(file)
    assert (await shop.engine.ingest([event("Product Viewed", "u", 2)])).accepted == 1
    assert shop.engine.trouble is None


def test_a_full_disk_is_told_to_the_log_once_and_whatever_else_fails_each_time(caplog):
    with closing(sqlite3.connect(":memory:")) as disk:
        disk.execute("PRAGMA max_page_count=1").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="full") as full:
            disk.execute("CREATE TABLE t (x)")
    failed = [full.value, full.value, ValueError("once"), ValueError("twice"), full.value]

    trouble = None
    told = [trouble := blamed(each, before=trouble) for each in failed]

    assert [type(each) for each in told] == [NotWritable, NotWritable, ValueError, ValueError, NotWritable]
    assert [str(each.exc_info[1]) for each in caplog.records] == [
        "database or disk is full", "once", "twice", "database or disk is full"
    ]  # fmt: skip
