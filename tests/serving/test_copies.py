"""A copy of the database holds what was acknowledged, and one that is put back is whole."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from serving.copies import NotRestored, backup, restore
from tests.commands import told
from tests.serving.databases import a_database, rows

HELD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM facts").fetchall()
print("open", flush=True)
sys.stdin.read()
"""
FACTS = "SELECT name FROM facts ORDER BY name"


def remember(folder, *names):
    """Commit facts to the database of a folder, and leave them in its write-ahead log."""
    with sqlite3.connect(folder / "opportune.db") as connection:
        connection.executemany("INSERT INTO facts (name, value) VALUES (?, '')", [(each,) for each in names])
    return connection


def facts(folder):
    with a_database(folder) as database:
        return [name for (name,) in rows(database, FACTS)]


@pytest.fixture
def copied(tmp_path):
    """A home that knows `before`, and a copy of it."""
    home = tmp_path / "a home"
    with a_database(home), closing(remember(home, "before")):
        backup(home / "opportune.db", tmp_path / "copy.db")
    return home, tmp_path / "copy.db"


def test_a_copy_holds_what_is_committed_while_another_one_writes(tmp_path):
    with a_database(tmp_path), closing(remember(tmp_path, "first")) as writing:
        writing.execute("INSERT INTO facts (name, value) VALUES ('unfinished', '')")
        assert (tmp_path / "opportune.db-wal").stat().st_size > 0
        backup(tmp_path / "opportune.db", tmp_path / "copy.db")
        writing.rollback()

    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute(FACTS).fetchall() == [("first",)]
    assert [each.name for each in tmp_path.glob("*.part*")] == []


def test_a_copy_is_put_back_though_the_log_of_a_killed_server_lies_there(copied):
    home, copy = copied
    with a_database(home), closing(remember(home, "after")):
        # What a kill leaves: neither file was copied into the other.
        left = {end: (home / f"opportune.db{end}").read_bytes() for end in ("", "-wal")}
    for end, content in left.items():
        (home / f"opportune.db{end}").write_bytes(content)

    kept = restore(home / "opportune.db", copy)

    assert not (home / "opportune.db-wal").exists()
    assert facts(home) == ["before"]
    assert kept == home / "opportune.db.replaced"
    with closing(sqlite3.connect(kept)) as replaced:
        assert replaced.execute(FACTS).fetchall() == [("after",), ("before",)]


def test_nothing_is_put_in_the_place_of_a_database_that_is_open(copied):
    home, copy = copied
    with subprocess.Popen(
        [sys.executable, "-c", HELD, home / "opportune.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout.readline() == b"open\n"
        with pytest.raises(NotRestored, match="stop the server first"):
            restore(home / "opportune.db", copy)
        server.stdin.close()

    assert sorted(each.name for each in home.iterdir()) == ["opportune.db"]
    restore(home / "opportune.db", copy)


@pytest.mark.parametrize("spoil", [lambda whole: whole[: len(whole) // 2], lambda _: b"id,event\n", lambda _: b""])
def test_what_is_no_whole_copy_is_refused_and_what_is_there_stays(copied, spoil):
    home, copy = copied
    copy.write_bytes(spoil(copy.read_bytes()))

    with pytest.raises(NotRestored, match=r"copy\.db is"):
        restore(home / "opportune.db", copy)

    assert facts(home) == ["before"]


def test_a_home_that_was_lost_begins_with_the_copy(copied, tmp_path):
    assert restore(tmp_path / "new" / "opportune.db", copied[1]) is None

    assert facts(tmp_path / "new") == ["before"]


def test_a_log_whose_database_is_gone_is_not_taken_for_that_of_the_copy(copied):
    home, copy = copied
    with a_database(home), closing(remember(home, "after")):
        log = (home / "opportune.db-wal").read_bytes()
    (home / "opportune.db").unlink()
    (home / "opportune.db-wal").write_bytes(log)

    assert restore(home / "opportune.db", copy) is None
    assert not (home / "opportune.db-wal").exists()
    assert facts(home) == ["before"]


def test_the_commands_tell_what_they_did_or_why_not(copied, tmp_path):
    home, copy = copied

    made = told(home, "serving.copies", "backup", tmp_path / "second.db")
    put = told(home, "serving.copies", "restore", tmp_path / "second.db")
    nowhere = told(tmp_path / "empty", "serving.copies", "backup", copy)
    nothing = told(home, "serving.copies", "restore", tmp_path / "none.db")

    assert (made.returncode, made.stdout) == (0, f"{tmp_path}/second.db holds {home}/opportune.db as of now\n")
    assert (put.returncode, "is kept as" in put.stdout) == (0, True)
    assert (nowhere.returncode, nowhere.stderr.startswith("opportune: ")) == (1, True)
    assert (nothing.returncode, "none.db is no copy" in nothing.stderr) == (1, True)
    assert facts(home) == ["before"]
