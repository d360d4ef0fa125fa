import os
import sqlite3
import subprocess
import sys
from collections import Counter

import pytest

from features.normalise import normalise
from serving.database import open_database
from serving.history_append import append_history
from serving.mapping_file import read_mapping
from serving.rejects import Reject, keep_rejects
from serving.tail import Seen, main, news
from serving.unknown_names import count_unknown
from tests.commands import told

MAPPING = read_mapping()
NOON = 1_501_588_800_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def database(home):
    opened = open_database(home / "opportune.db")
    with opened.begin() as connection:
        for table in ("events", "users", "unknown_names", "rejects"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    yield opened
    opened.dispose()


@pytest.fixture
def reader(database, home):
    connection = sqlite3.connect(home / "opportune.db")
    yield connection
    connection.close()


def accept(database, *names, origin="live"):
    with database.begin() as connection:
        events = [
            normalise(
                {"user_id": "u1", "event": name, "message_id": f"{name}{number}"}, received_at=NOON, mapping=MAPPING
            )
            for number, name in enumerate(names)
        ]
        append_history(connection, events, origin=origin, received_at=NOON)


def test_accepted_rejected_and_unknown_events_are_told_once(database, reader):
    seen = Seen()
    accept(database, "Product Viewed", "cart_added", "Herz")
    with database.begin() as connection:
        keep_rejects(
            connection, [Reject(NOON, "key shop", "batch[3]", "properties.price", "must not be negative", "{}")]
        )
        count_unknown(connection, {"Herz": 2}, at=NOON, nearest=lambda _: "Heart")

    assert news(reader, seen) == [
        "2017-08-01 12:00:00 accepted  u1  Product Viewed",
        "2017-08-01 12:00:00 accepted  u1  Product Added, sent as 'cart_added'",
        "2017-08-01 12:00:00 accepted  u1  Herz",
        "2017-08-01 12:00:00 rejected  key shop batch[3]  properties.price: must not be negative",
        "2017-08-01 12:00:00 unknown   'Herz', seen 2 times, kept as activity; the nearest known name is 'Heart'",
    ]
    assert news(reader, seen) == []


def test_an_unknown_name_is_told_again_when_it_is_seen_again(database, reader):
    seen = Seen()
    for at in (NOON, NOON, NOON + 1):
        with database.begin() as connection:
            count_unknown(connection, Counter(Kauf=1), at=at, nearest=lambda _: None)
        assert len(news(reader, seen)) == 1

    assert news(reader, seen) == []


def test_what_a_sender_wrote_cannot_steer_the_terminal(database, reader):
    accept(database, "\x1b[2Jgone")

    assert "\x1b" not in news(reader, Seen())[0]


def test_a_flood_is_counted_rather_than_printed(database, reader):
    accept(database, *["view"] * 50, origin="import")

    lines = news(reader, Seen(), most=3)

    assert lines[0] == "… 47 more accepted"
    assert lines[1:] == ["2017-08-01 12:00:00 accepted  u1  Product Viewed, sent as 'view'  (import)"] * 3


def test_the_command_shows_the_last_few_and_returns_when_told_to(database, home):
    accept(database, "one", "two", "three")
    command = [sys.executable, "-m", "serving.tail", "--once", "--last", "2"]
    done = subprocess.run(
        command, env={**os.environ, "OPPORTUNE_HOME": str(home)}, capture_output=True, text=True, check=True
    )

    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["two", "three"]


def test_without_a_database_the_command_says_what_to_do(tmp_path):
    done = told(tmp_path, "serving.tail")

    assert done.returncode == 1
    assert "start the service or import a history first" in done.stderr


def test_a_file_that_is_no_database_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "opportune.db").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["tail", "--once"])

    assert main() == 1
    assert capsys.readouterr().err == f"{tmp_path}/opportune.db cannot be read: file is not a database\n"
