"""Which messages went out, at which hour of the person's day, and which were answered."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY, MINUTE
from tests.training.habits import seen
from tests.training.logs import write_log
from training.answers import read_sends
from training.log import read_log

DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, horizon,
    propensity, policy_version, step)
VALUES (?, ?, (SELECT user_no FROM users WHERE user_key = ?), 't', ?, ?, ?, 'sent', '24h', 1.0, 'p', 0)
"""
MESSAGE = """
INSERT INTO outbox (message_id, trigger_decision_id, endpoint, body, due_at, status, attempts, next_attempt_at,
    lease_until, created_at, expires_at, user_no, trigger, channel, delivered_at)
VALUES (?, ?, 'mail', '{}', ?, ?, 1, 0, 0, 0, 0, 1, 't', 'email', ?)
"""
OUTCOME = "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, occurred_at) VALUES (?, ?, ?, ?)"
END = JULY + 40 * DAY


def a_home(folder, rows, sent, *, zones=None, outcomes=(), origin="live", **fields):
    """Write a log, and messages of (user key, moment) with what became of them; return sends and log."""
    rows = sorted([*rows, seen("someone", JULY), seen("someone", END)], key=lambda row: row[1].known_at)
    path = write_log(folder, rows, **fields)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE events SET origin = ?", (origin,))
        for key, zone in (zones or {}).items():
            connection.execute("UPDATE users SET timezone = ? WHERE user_key = ?", (zone, key))
        for number, (key, at, *more) in enumerate(sent):
            status, delivered_at = more or ("delivered", at)
            connection.execute(DECISION, (f"d{number}", f"d{number}", key, at, 1, "send"))
            connection.execute(MESSAGE, (f"m{number}", f"d{number}", at, status, delivered_at))
        for number, (decision, kind, at) in enumerate(outcomes):
            connection.execute(OUTCOME, (decision, 900 + number, kind, at))
    log = read_log(path)
    return read_sends(path, log), log


def test_a_message_is_told_with_the_hour_on_the_wall_of_the_person(tmp_path):
    at = JULY + 5 * DAY + 12 * HOUR + 30 * MINUTE
    rows = [seen(each, JULY + HOUR, offset_h=-5.0) for each in ("ada", "bea", "cleo")]
    zones = {"ada": "Asia/Tokyo", "cleo": "Nowhere/Atall"}
    found, log = a_home(tmp_path, rows, [("ada", at), ("bea", at + 1), ("cleo", at + 2)], zones=zones)

    assert [log.user_keys[each] for each in found.user] == ["ada", "bea", "cleo"]
    assert found.hour.tolist() == [21, 7, 7]  # by the zone; else by what the events said
    assert found.at.tolist() == [at, at + 1, at + 2]
    assert found.weekend.tolist() == [False] * 3
    assert np.isnan(found.chance).all()


def test_a_message_of_a_friday_in_new_york_may_be_one_of_a_saturday_in_tokyo(tmp_path):
    at = JULY + 6 * DAY + 18 * HOUR  # Friday, 18:00 UTC
    rows = [seen(each, JULY + HOUR, offset_h=-5.0) for each in ("ada", "bea", "cleo")]
    zones = {"ada": "Asia/Tokyo", "cleo": "Nowhere/Atall"}
    found, _ = a_home(tmp_path, rows, [("ada", at), ("bea", at + 1), ("cleo", at + 2)], zones=zones)

    assert (found.hour.tolist(), found.weekend.tolist()) == ([3, 13, 13], [True, False, False])


@pytest.mark.parametrize(
    ("comes", "answers"),
    [
        ([2 * HOUR], True),
        ([25 * HOUR], False),
        ([-2 * HOUR], False),
        ([-5 * MINUTE, 5 * MINUTE, 20 * MINUTE], False),
        ([-5 * MINUTE, 5 * MINUTE, 3 * HOUR], True),
    ],
    ids=["comes back", "too late", "was there before", "is there, and stays", "is there, goes, and comes back"],
)
def test_a_visit_answers_if_it_begins_after_the_message(tmp_path, comes, answers):
    at = JULY + 5 * DAY
    found, _ = a_home(tmp_path, [seen("ada", at + each) for each in comes], [("ada", at)])

    assert found.answered.tolist() == [answers]


def test_a_click_answers_and_neither_an_open_nor_a_delivery_does(tmp_path):
    at = JULY + 5 * DAY
    kinds = [("clicked", HOUR), ("tapped", HOUR), ("opened", HOUR), ("clicked", 30 * HOUR), ("delivered", HOUR)]
    outcomes = [(f"d{row}", kind, at + row + after) for row, (kind, after) in enumerate(kinds)]
    opens = seen("ada", at + HOUR, Kind.EMAIL_OPENED)
    found, _ = a_home(
        tmp_path, [seen("ada", JULY + HOUR), opens], [("ada", at + row) for row in range(5)], outcomes=outcomes
    )

    assert found.answered.tolist() == [True, True, False, False, False]


def test_only_what_went_out_counts_of_people_in_models_and_only_when_its_time_is_over(tmp_path):
    at = JULY + 5 * DAY
    sent = [
        ("ada", at),
        ("ada", at + 1, "dead", None),
        ("ada", at + 2, "pending", None),
        ("staff", at + 3),
        ("ada", END - DAY),
    ]
    rows = [seen(each, JULY + HOUR) for each in ("ada", "staff")]
    found, _ = a_home(tmp_path, rows, sent, excluded=("staff",))

    assert found.at.tolist() == [at]


def test_in_a_replay_a_message_goes_out_on_the_clock_of_the_events(tmp_path):
    at = JULY + 5 * DAY
    found, _ = a_home(tmp_path, [seen("ada", JULY)], [("ada", at, "delivered", END + 900 * DAY)], origin="replay")

    assert found.at.tolist() == [at]


def test_what_somebody_did_after_a_message_is_not_in_the_history_it_is_told_from(tmp_path):
    at = JULY + 5 * DAY
    rows = [seen("ada", JULY + 10 * HOUR), seen("ada", at + 3 * HOUR)]
    found, _ = a_home(tmp_path, rows, [("ada", at), ("ada", at + DAY)])

    assert np.flatnonzero(found.histories[0]).tolist() == [10]
    assert np.flatnonzero(found.histories[1]).tolist() == [3, 10]
    assert found.histories[0, 10] == pytest.approx(0.5 ** ((5 * DAY - 10 * HOUR) / (90 * DAY)))


def test_the_probability_of_the_hour_comes_from_where_it_was_drawn(tmp_path):
    at, drawn = JULY + 5 * DAY, JULY + 4 * DAY + 20 * HOUR
    a_home(tmp_path, [seen("ada", JULY)], [("ada", at), ("ada", at + 2 * DAY)])
    path = tmp_path / "opportune.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        if not connection.execute("SELECT 1 FROM pragma_table_info('decisions') WHERE name = 'draws'").fetchone():
            connection.execute("ALTER TABLE decisions ADD COLUMN draws TEXT")
        connection.execute(DECISION, ("w", "w", "ada", drawn, 1, "hold"))
        draws = '{"unit": "ada", "hour_probability": 0.0125, "eligible_hours": [9, 10]}'
        connection.execute("UPDATE decisions SET due_at = ?, draws = ? WHERE decision_id = 'w'", (at - MINUTE, draws))

    found = read_sends(path, read_log(path))
    np.testing.assert_array_equal(found.chance, [0.0125, np.nan])
    assert [np.flatnonzero(each).tolist() for each in found.eligible] == [[9, 10], list(range(24))]


def test_without_messages_there_are_none(tmp_path):
    found, _ = a_home(tmp_path, [], [])

    assert (len(found), found.histories.shape, found.answered.dtype) == (0, (0, 24), np.bool_)
