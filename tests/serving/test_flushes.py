"""Nobody is answered before the disk has what they told, and nobody else waits for it."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path

import pytest

from serving import engine, flushes
from serving.disk import Disk
from serving.engine import ENOUGH
from serving.errors import NotWritable
from tests.serving.engines import Shop, event, shop

__all__ = ["shop"]
SOON_S = 20


class Watched:
    """The disk, as slow to say that it is done as a test lets it be; which files it flushed."""

    def __init__(self):
        self.flushed = []
        self._held = []
        self._slow = True

    def hear(self, descriptor, done):
        self.flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        if self._slow:
            self._held.append(done)
        else:
            done()

    def go_on(self):
        self._slow = False
        while self._held:
            self._held.pop(0)()


@pytest.fixture
def disk(monkeypatch):
    watched = Watched()

    class Slow(Disk):
        def flush(self, done):
            super().flush(lambda error: watched.hear(self._descriptor, lambda: done(error)))

    monkeypatch.setattr(flushes, "Disk", Slow)
    return watched


async def until(held):
    """Wait for something to hold."""
    async with asyncio.timeout(SOON_S):
        while not held():
            await asyncio.sleep(0.001)


def logged(shop):
    return shop.rows("SELECT count(*) FROM events")[0][0]


async def test_an_answer_waits_for_the_flush_of_the_write_ahead_log(disk, shop):
    asked = asyncio.create_task(shop.engine.ingest([event("Product Viewed", "u", 1)]))
    await until(lambda: disk.flushed)

    assert (logged(shop), asked.done()) == (1, False)
    disk.go_on()
    assert (await asked).accepted == 1
    assert disk.flushed == ["opportune.db-wal"]


def crowd(number):
    """As many events as are worth a batch of their own."""
    return [event("Product Viewed", f"u{i}", number) for i in range(ENOUGH)]


async def test_large_batches_go_on_meanwhile_and_share_the_next_flush(disk, shop):
    asked = []
    for number in range(5):
        asked.append(asyncio.create_task(shop.engine.ingest(crowd(number))))
        await until(lambda: logged(shop) == len(asked) * ENOUGH)

    assert not any(each.done() for each in asked)
    disk.go_on()
    assert [each.accepted for each in await asyncio.gather(*asked)] == [ENOUGH] * 5
    assert len(disk.flushed) == 2


async def test_a_few_wait_for_the_disk_to_be_one_batch_with_whoever_comes_next(disk, shop, monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE_S", SOON_S)
    first = asyncio.create_task(shop.engine.ingest([event("Product Viewed", "u", 0)]))
    await until(lambda: disk.flushed)
    others = [asyncio.create_task(shop.engine.ingest([event("Product Viewed", "u", n)])) for n in (1, 2, 3)]
    await asyncio.sleep(0.05)

    assert logged(shop) == 1
    disk.go_on()
    assert [each.accepted for each in await asyncio.gather(first, *others)] == [1] * 4
    assert len(disk.flushed) == 2


async def test_nobody_waits_for_a_disk_that_takes_its_time_who_only_asks_or_is_to_be_written(disk, shop):
    first = asyncio.create_task(shop.engine.ingest([event("Product Viewed", "u", 0)]))
    await until(lambda: disk.flushed)
    second = asyncio.create_task(shop.engine.ingest([event("Product Viewed", "u", 1)]))
    await until(lambda: logged(shop) == 2)
    async with asyncio.timeout(SOON_S):
        answer = await shop.engine.score([("u", None)])

    assert answer.scores[0].known
    assert not first.done()
    assert not second.done()
    disk.go_on()
    assert [each.accepted for each in await asyncio.gather(first, second)] == [1, 1]
    assert len(disk.flushed) == 2


async def test_many_who_only_ask_do_not_wait_for_the_disk(disk, shop):
    told = asyncio.create_task(shop.engine.ingest([event("Product Viewed", "u", 1)]))
    await until(lambda: disk.flushed)
    async with asyncio.timeout(SOON_S):
        answer = await shop.engine.score([("u", None)] * ENOUGH)

    assert all(each.known for each in answer.scores)
    assert not told.done()
    disk.go_on()
    await told


async def test_a_disk_that_fails_is_the_answer_and_the_same_event_told_again_is_known(tmp_path, monkeypatch, caplog):
    class Nowhere(Disk):
        def __init__(self, _file):
            super().__init__(Path("/dev/null"))  # Linux flushes no such thing.

    with monkeypatch.context() as patched:
        patched.setattr(flushes, "Disk", Nowhere)
        failing = Shop(tmp_path)
    with closing(failing), pytest.raises(NotWritable):
        await failing.engine.ingest([event("Product Viewed", "u", 1)])
    with closing(Shop(tmp_path)) as shop:
        again = await shop.engine.ingest([event("Product Viewed", "u", 1)])

    assert (again.accepted, again.duplicates) == (0, 1)
    assert "could not be flushed" in caplog.text


async def test_a_server_that_stops_answers_whoever_waits_for_the_disk(tmp_path, disk):
    with closing(Shop(tmp_path)) as stopping:
        asked = asyncio.create_task(stopping.engine.ingest([event("Product Viewed", "u", 1)]))
        await until(lambda: disk.flushed)
        disk.go_on()
    assert (await asked).accepted == 1


async def test_a_connection_that_flushed_beside_waits_for_the_disk_itself_when_it_is_given_back(tmp_path):
    with closing(Shop(tmp_path)) as opened:
        during = opened.engine._driver.execute("PRAGMA synchronous").fetchone()
        kept = opened.engine._driver
        opened.engine.close()
        after = kept.execute("PRAGMA synchronous").fetchone()

    assert (during, after) == ((1,), (2,))


async def test_a_database_that_nothing_has_to_survive_is_not_flushed(shop):
    driver = shop.engine._driver
    driver.execute("PRAGMA synchronous=OFF")

    assert flushes.flushes_of(driver) is None


def too_many(monkeypatch):
    monkeypatch.setattr("serving.disk._AT_ONCE", 10**8)  # More than Linux has for everybody.


def elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "caio.linux_aio", None)  # As on a Mac, and on Linux with an older glibc.


@pytest.mark.parametrize("refused", [too_many, elsewhere])
async def test_where_nobody_flushes_beside_each_batch_waits_for_the_disk(tmp_path, monkeypatch, caplog, refused):
    refused(monkeypatch)
    with closing(Shop(tmp_path)) as shop:
        assert shop.engine._driver.execute("PRAGMA synchronous").fetchone() == (2,)
        assert (await shop.engine.ingest([event("Product Viewed", "u", 1)])).accepted == 1
    assert "each batch waits for the disk" in caplog.text
