from contextlib import closing

import pytest

from features.catalog import CATALOGUE
from tests.training.experiments import DAY, HOUR, START, Said, write_ledger
from training import ledger_rows
from training.ledger_rows import rows

SAID = [
    Said("a", 3.0, ordered_after=(2.0,), told=("delivered",)),
    Said("b", 1.0, arm="control"),
    Said("c", 2.0, arm=None, score=0.05),
    Said("a", 90.0),
]


def found(folder, **more):
    path = write_ledger(folder, SAID, until=100.0)
    return [each for part in rows(path, **more) for each in part]


def test_every_decision_comes_with_what_followed_in_the_order_of_their_moments(tmp_path):
    all_rows = found(tmp_path)

    assert [each.decision["user_key"] for each in all_rows] == ["b", "c", "a", "a"]
    assert [(each.kind, each.occurred_at, each.value) for each in all_rows[2].outcomes] == [
        ("delivered", START + 4 * HOUR, None),
        ("order", START + 5 * HOUR, 20.0),
    ]
    assert [each.drawn for each in all_rows] == [True, False, True, True]


def test_a_window_ends_with_the_horizon_and_is_matured_when_that_was_an_hour_ago(tmp_path):
    all_rows = found(tmp_path)

    assert all_rows[0].window_end == START + HOUR + DAY
    assert [each.matured for each in all_rows] == [True, True, True, False]


def test_features_are_those_that_were_scored(tmp_path):
    [first, *_] = found(tmp_path)

    assert list(first.features) == list(CATALOGUE.names)
    assert list(first.features.values()) == [float(i) for i in range(len(CATALOGUE.names))]


def test_features_of_another_catalogue_are_not_taken_for_these(tmp_path):
    import sqlite3

    path = write_ledger(tmp_path, SAID, until=100.0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE evaluations SET catalogue = 'other'")

    assert all(each.features is None for part in rows(path) for each in part)


def test_parts_together_are_the_whole(tmp_path, monkeypatch):
    whole = [each.decision["trigger_decision_id"] for each in found(tmp_path)]
    monkeypatch.setattr(ledger_rows, "AT_ONCE", 3)
    parts = [*rows(tmp_path / "opportune.db")]

    assert [len(each) for each in parts] == [3, 1]
    assert [each.decision["trigger_decision_id"] for part in parts for each in part] == whole


def test_one_trigger_can_be_asked_for(tmp_path):
    assert len(found(tmp_path, trigger="cart")) == 4


@pytest.mark.parametrize(
    ("zone", "hour"), [(None, None), ("America/New_York", 22), ("Asia/Kolkata", 8), ("US/Pacific-New", None)]
)
def test_the_local_hour_is_that_of_the_persons_zone(tmp_path, zone, hour):
    import sqlite3

    path = write_ledger(tmp_path, [Said("a", 3.0)], until=100.0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE users SET timezone = ?", (zone,))

    [[row]] = rows(path)
    assert row.local_hour == hour
