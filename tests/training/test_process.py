import os
import sqlite3
from contextlib import closing

import pytest

from serving.database import open_database
from training.process import home_of_process, prepare


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """What is prepared is forgotten again."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_tables_of_an_older_version_are_refused_with_what_to_do(tmp_path):
    open_database(tmp_path / "opportune.db").dispose()
    prepare(tmp_path)

    with closing(sqlite3.connect(tmp_path / "opportune.db")) as connection, connection:
        connection.execute("ALTER TABLE evaluations DROP COLUMN raw_scores")
    with pytest.raises(SystemExit, match="start the server once"):
        prepare(tmp_path)


def test_a_home_without_a_database_is_prepared_too(tmp_path):
    prepare(tmp_path)

    assert os.environ["OPPORTUNE_HOME"] == str(tmp_path)


def test_a_file_that_is_no_database_ends_the_command_with_a_sentence(tmp_path):
    (tmp_path / "opportune.db").write_bytes(b"no database" * 1000)

    with pytest.raises(SystemExit, match=r"opportune\.db cannot be read: file is not a database"):
        prepare(tmp_path)


def test_a_command_ends_where_its_home_is_a_file(tmp_path):
    (tmp_path / "home").touch()
    os.environ["OPPORTUNE_HOME"] = str(tmp_path / "home")

    with pytest.raises(SystemExit, match="home cannot be used: Not a directory"):
        home_of_process()
