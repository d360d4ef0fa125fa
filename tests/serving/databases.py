"""A database of one test: the real tables in a file of its own."""

import pytest
from sqlalchemy import text

from serving.database import for_writing, opened_database

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND


def a_database(folder):
    """Open a fresh database in a folder, and close it afterwards."""
    return opened_database(folder / "opportune.db")


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
