"""A database of one test: the real tables in a file of its own."""

import asyncio
import sqlite3
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text

from serving.database import for_writing, opened_database

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND


def a_database(folder):
    """Open a fresh database in a folder, and close it afterwards."""
    return opened_database(folder / "opportune.db")


@contextmanager
def a_log_ahead(path):
    """A connection to a new file with one table `t (x)`, whose write-ahead log nobody copies unasked."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE t (x)")
        yield connection


@pytest.fixture
def database(tmp_path):
    """A fresh database."""
    with a_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def connection(tmp_path):
    """A transaction in a fresh database."""
    with a_database(tmp_path) as database, database.begin() as opened:
        yield opened


class OwnTransactions:
    """A writer without a batch loop: one transaction for each job."""

    def __init__(self, database):
        self._database = for_writing(database)

    async def write(self, job):
        """Run the job in a transaction of its own."""
        with self._database.begin() as connection:
            return job(connection)


def rows(database, query, **values):
    """Return the rows of a query as tuples."""
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


async def begun(disk):
    """Wait until what a server writes of itself is written: its policy, and that nobody took the first message."""
    written = "SELECT (SELECT count(*) FROM facts WHERE name = 'policy') + (SELECT count(*) FROM deliveries)"
    async with asyncio.timeout(20):
        while disk.execute(written).fetchone() != (2,):
            await asyncio.sleep(0.005)
