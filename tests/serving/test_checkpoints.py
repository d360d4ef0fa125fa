"""Write-ahead logs are copied beside the writer, and begin anew instead of growing for ever."""

import sqlite3
import threading
from contextlib import closing

import pytest

from serving.checkpoints import MOST_PAGES, Checkpoints
from tests.serving.databases import a_database, a_log_ahead, rows
from tests.serving.engines import event, shop

__all__ = ["shop"]
EVERY_S = 0.02
WAIT_S = 20


@pytest.fixture
def file(tmp_path):
    """A database in WAL mode that never copies its log by itself, and a connection that keeps the log alive."""
    path = tmp_path / "some.db"
    with a_log_ahead(path) as connection:
        yield path, connection


def count(path):
    with closing(sqlite3.connect(path)) as other:
        return other.execute("SELECT count(*) FROM t").fetchone()[0]


@pytest.mark.parametrize(("durable", "long"), [(True, None), (False, None), (True, 1), (False, 1)])
def test_the_log_is_copied_and_the_writer_told(file, durable, long):
    path, connection = file
    connection.execute("INSERT INTO t VALUES (1)")
    told = threading.Event()
    checkpoints = Checkpoints(path, every_s=EVERY_S, durable=durable, finish=lambda _: told.set(), long=long)
    checkpoints.start()
    assert told.wait(WAIT_S)
    checkpoints.stop()
    # Without the log, the file alone has it all.
    alone = path.with_name("alone.db")
    alone.write_bytes(path.read_bytes())

    assert count(alone) == 1


def test_a_log_that_was_copied_to_its_end_begins_anew(file):
    path, connection = file
    log = path.with_name("some.db-wal")
    told = threading.Semaphore(0)
    checkpoints = Checkpoints(path, every_s=EVERY_S, finish=lambda _: told.release())
    checkpoints.start()
    sizes = []
    for _ in range(20):
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        sizes.append(log.stat().st_size)
        while told.acquire(blocking=False):
            pass
        # The first may have begun before.
        assert all(told.acquire(timeout=WAIT_S) for _ in range(2))
    checkpoints.stop()

    assert sizes[-1] < 10 * sizes[0]


def test_a_file_that_is_not_there_is_not_made_and_ends_nothing(tmp_path, caplog):
    told = threading.Semaphore(0)
    checkpoints = Checkpoints(tmp_path / "none.db", every_s=EVERY_S, finish=lambda _: told.release())
    checkpoints.start()
    assert all(told.acquire(timeout=WAIT_S) for _ in range(3))
    checkpoints.stop()

    assert not (tmp_path / "none.db").exists()
    # Four times a second it would soon fill the log.
    assert [each.message for each in caplog.records] == [
        f"the write-ahead log of {tmp_path}/none.db cannot be copied: unable to open database file"
    ]


def test_it_is_told_when_a_log_can_be_copied_again(tmp_path, caplog):
    path = tmp_path / "some.db"
    told = threading.Semaphore(0)
    checkpoints = Checkpoints(path, every_s=EVERY_S, finish=lambda _: told.release())
    with caplog.at_level("INFO"):
        checkpoints.start()
        assert told.acquire(timeout=WAIT_S)
        with a_log_ahead(path):
            assert all(told.acquire(timeout=WAIT_S) for _ in range(3))
            checkpoints.stop()

    assert [each.levelname for each in caplog.records] == ["WARNING", "INFO"]
    assert caplog.records[1].message == f"the write-ahead log of {path} can be copied again"


def copied(shop):
    """How many events the file alone holds, without its log."""
    alone = shop.home / "alone"
    alone.mkdir()
    (alone / "opportune.db").write_bytes((shop.home / "opportune.db").read_bytes())
    with a_database(alone) as found:
        return rows(found, "SELECT count(*) FROM events")[0][0]


@pytest.mark.parametrize(
    ("pause_s", "pages", "held"),
    [(0.0, 1, 50), (WAIT_S, MOST_PAGES, 50), (WAIT_S, MOST_PAGES - 1, 0)],
    ids=["in a pause", "where the log is long", "not while it works"],
)
async def test_the_writer_finishes_between_two_of_its_transactions(shop, monkeypatch, pause_s, pages, held):
    monkeypatch.setattr("serving.engine.PAUSE_S", pause_s)
    await shop.engine.ingest([event("Product Viewed", f"u{i}", i) for i in range(50)])
    shop.engine.finish_checkpoint(pages)

    assert copied(shop) == held


def test_no_commit_copies_a_log_that_is_about_to_be_brought_to_its_end(shop):
    limit = shop.engine._driver.execute("PRAGMA wal_autocheckpoint").fetchone()[0]

    assert limit > 2 * MOST_PAGES
