"""What a database changed is written to the disk in portions, and no lock on it is let go of."""

import os
import subprocess
import sys

import pytest

from serving.writeback import MOST_PORTIONS, PORTION, write_back
from tests.serving.databases import a_log_ahead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux writes a part of a file")
SIZE = 3 * PORTION
LOOK = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT count(*) FROM t').fetchone()[0])"


@pytest.fixture
def file(tmp_path):
    """A database of some portions, open, with a write-ahead log that was copied."""
    path = tmp_path / "some.db"
    with a_log_ahead(path) as connection:
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", (SIZE,))
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        yield path


def test_all_of_it_is_written(file):
    assert write_back(file) == -(-file.stat().st_size // PORTION) == 4


def test_a_large_one_is_gone_through_in_larger_portions(file):
    # Most of it is not there: what it would take to read it does not count.
    os.truncate(file, 10 * MOST_PORTIONS * PORTION)

    assert write_back(file) == MOST_PORTIONS


def test_a_file_that_nobody_has_open_is_left_alone(tmp_path):
    path = tmp_path / "some.db"
    path.write_bytes(bytes(100))

    assert write_back(path) == 0


def test_its_locks_are_kept(file):
    write_back(file)
    # Whoever closes a database last removes its log: another process does if it sees no lock of ours.
    seen = subprocess.run([sys.executable, "-c", LOOK, file], capture_output=True, text=True, check=True)

    assert seen.stdout == "1\n"
    assert file.with_name("some.db-wal").exists()
