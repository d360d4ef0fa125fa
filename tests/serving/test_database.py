"""The tables are what the schema says, and a transaction is all or nothing."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from serving.database import _config, _newest, database_of_command, for_writing, migrate, open_database
from serving.schema import metadata
from tests.serving.databases import a_database, database, rows

__all__ = ["database"]
ADD = text("INSERT INTO facts VALUES (:name, 'x')")
OLD_USER = "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at) VALUES (:number, :number, '', 0, 0)"
OLD_EVENT = """
INSERT INTO events
(seq, user_no, message_id, known_at, occurred_at, received_at, kind, name, origin, record, payload)
VALUES (:seq, :number, :seq, 0, 0, 0, 1, '', '', '', '')
"""
FACTS = "SELECT name FROM facts ORDER BY name"


@pytest.fixture(autouse=True)
def migrated_step_by_step(monkeypatch):
    """Let the migrations themselves make the tables here: they are what is tested."""
    monkeypatch.setattr("serving.database.migrate", migrate)


@contextmanager
def as_of(revision, folder):
    """Make the tables of a revision, and write to them in one transaction."""
    engine = create_engine(f"sqlite:///{folder / 'opportune.db'}")
    with engine.begin() as connection:
        migrate(connection, revision)
        yield connection
    engine.dispose()


@pytest.mark.filterwarnings("ignore:.*expression-based index '?orders_by_id")
def test_migrating_from_nothing_gives_exactly_the_tables_of_the_schema(database):
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_the_newest_migration_is_the_one_whose_file_says_so(database):
    assert ScriptDirectory.from_config(_config()).get_current_head() == _newest()
    with database.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == _newest()


def test_nothing_is_migrated_where_there_is_nothing_to_migrate(database, monkeypatch):
    monkeypatch.delattr("serving.database.migrate")

    again = open_database(Path(database.url.database))

    assert rows(again, FACTS) == []
    again.dispose()


def test_opening_again_keeps_what_is_there(tmp_path, database):
    with database.begin() as connection:
        connection.execute(ADD, {"name": "kept"})

    with a_database(tmp_path) as again:
        assert rows(again, FACTS) == [("kept",)]


def test_what_is_committed_is_on_the_disk_and_readers_do_not_wait(database):
    with database.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]

    assert found == ["wal", 2, 10_000]  # 2 is FULL


def test_a_failed_transaction_leaves_nothing(database):
    def add_and_fail():
        with database.begin() as connection:
            connection.execute(ADD, {"name": "a"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()

    assert rows(database, FACTS) == []


@pytest.mark.parametrize("keep", [True, False])
def test_a_failed_transaction_leaves_nothing_after_a_savepoint_either(database, keep):
    def add_and_fail():
        with database.begin() as connection:
            connection.execute(ADD, {"name": "before"})
            inner = connection.begin_nested()
            connection.execute(ADD, {"name": "inside"})
            inner.commit() if keep else inner.rollback()
            connection.execute(ADD, {"name": "after"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()

    assert rows(database, FACTS) == []


def test_a_savepoint_rolled_back_takes_only_its_own_with_it(database):
    with database.begin() as connection:
        connection.execute(ADD, {"name": "before"})
        inner = connection.begin_nested()
        connection.execute(ADD, {"name": "inside"})
        inner.rollback()
        connection.execute(ADD, {"name": "after"})

    assert rows(database, FACTS) == [("after",), ("before",)]


def test_a_reader_sees_one_state_of_the_database_while_somebody_writes(database):
    with database.connect() as reader:
        before = reader.execute(text(FACTS)).all()
        with database.begin() as writer:
            writer.execute(ADD, {"name": "new"})
        during = reader.execute(text(FACTS)).all()
        reader.rollback()

        assert before == during == []
        assert reader.execute(text(FACTS)).all() == [("new",)]


def test_writers_that_read_first_wait_for_each_other(database):
    def count_up(_):
        with for_writing(database).begin() as connection:
            found = int(connection.execute(text("SELECT value FROM facts WHERE name = 'n'")).scalar() or 0)
            connection.execute(text("INSERT OR REPLACE INTO facts VALUES ('n', :value)"), {"value": str(found + 1)})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(100)))

    assert rows(database, "SELECT value FROM facts") == [("100",)]


def test_several_processes_may_be_the_first_to_open_it(tmp_path):
    path = tmp_path / "below" / "opportune.db"
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_database(path), range(4)))

    assert [rows(each, FACTS) for each in opened] == [[]] * 4
    for each in opened:
        each.dispose()


def test_a_command_says_in_a_sentence_why_its_database_cannot_be_used(tmp_path):
    (tmp_path / "opportune.db").write_bytes(b"no database" * 1000)
    with pytest.raises(SystemExit) as told, database_of_command(tmp_path / "opportune.db"):
        pytest.fail("it was opened")
    assert told.value.code == f"opportune: {tmp_path}/opportune.db cannot be used: file is not a database"

    with pytest.raises(SystemExit, match=r"^opportune: .*File exists"):
        database_of_command(tmp_path / "opportune.db" / "opportune.db").__enter__()


def test_a_command_says_that_somebody_else_writes(tmp_path, database, monkeypatch):
    monkeypatch.setattr("serving.database.BUSY_S", 0.1)
    with (
        for_writing(database).begin(),
        pytest.raises(SystemExit, match=r"opportune.db cannot be used: database is locked$"),
        database_of_command(tmp_path / "opportune.db") as found,
    ):
        for_writing(found).connect().begin()


def test_a_command_that_is_interrupted_says_so_and_no_more(tmp_path, capsys):
    with pytest.raises(SystemExit) as told, database_of_command(tmp_path / "opportune.db"):
        raise KeyboardInterrupt

    assert (told.value.code, capsys.readouterr().err) == (130, "opportune: interrupted\n")


def test_a_log_from_before_events_named_the_one_before_them_is_chained(tmp_path):
    with as_of("0001", tmp_path) as connection:
        for number in (1, 2):
            connection.execute(text(OLD_USER), {"number": number})
        for seq, number in enumerate([1, 2, 1, 1, 2], 1):
            connection.execute(text(OLD_EVENT), {"seq": seq, "number": number})
    with a_database(tmp_path) as database:
        assert rows(database, "SELECT seq, prev_seq FROM events ORDER BY seq") == [
            (1, None),
            (2, None),
            (3, 1),
            (4, 3),
            (5, 2),
        ]


def test_what_waits_and_what_was_sent_is_kept_when_timers_learn_of_steps(tmp_path):
    with as_of("0003", tmp_path) as connection:
        for statement in (
            "INSERT INTO users (user_no, user_key, last_seq, last_known_at, unit) VALUES (1, 'u', 1, 1, 'u')",
            "INSERT INTO timers VALUES (1, 't', 'k', 5, 3, 1)",
            "INSERT INTO cooldowns VALUES (1, 't', 4)",
            "INSERT INTO sends VALUES (1, 4, 't', 'email')",
        ):
            connection.execute(text(statement))
    with a_database(tmp_path) as database:
        assert rows(database, "SELECT * FROM timers") == [(1, "t", 0, "k", 5, 3, 1, None, None, None)]
        assert rows(database, "SELECT user_no, key, trigger, fired_at FROM cooldowns") == [(1, "", "t", 4)]
        assert rows(database, "SELECT user_no, at, trigger, channel FROM sends") == [(1, 4, "t", "email")]


def test_steps_can_be_taken_back(tmp_path):
    with as_of("0004", tmp_path) as connection:
        for statement in (
            "INSERT INTO users (user_no, user_key, last_seq, last_known_at, unit) VALUES (1, 'u', 1, 1, 'u')",
            "INSERT INTO timers VALUES (1, 't', 0, '', 5, 3, 1, 4, NULL, NULL), (1, 't', 1, '', 9, 3, 1, NULL, 'd', 4)",
            "INSERT INTO cooldowns (user_no, key, trigger, fired_at) VALUES (1, 'a', 't', 4), (1, 'b', 't', 6)",
            "INSERT INTO sends (user_no, at, trigger, channel) VALUES (1, 4, 't', 'email'), (1, 4, 't', 'sms')",
        ):
            connection.execute(text(statement))
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        found = [connection.execute(text(f"SELECT * FROM {each}")).all() for each in ("timers", "cooldowns", "sends")]

    assert found == [[(1, "t", "", 5, 3, 1)], [(1, "t", 6)], [(1, 4, "t", "email")]]
