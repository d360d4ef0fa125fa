"""States as Parquet, and features through Feast's own point-in-time join."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.catalog import CATALOGUE
from features.state import empty, read, unpack
from tests.training.logs import a_crowd, known, same_bits, write_log
from training import offline
from training.log import read_log
from training.offline import COPIES_AT_ONCE, POINTS_AT_ONCE, _chunks, asked, historical_features, write_states

ROWS = a_crowd()


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return read_log(write_log(tmp_path_factory.mktemp("log"), ROWS))


@pytest.fixture(scope="module")
def points(log):
    """Users and moments, many of them the very moments of events or one microsecond before."""
    random, first, last = np.random.default_rng(2), *log.span
    moments = np.concatenate(
        [
            random.choice(log.arrays.known_at, 120),
            random.choice(log.arrays.known_at, 120) - 1,
            random.integers(first - 10**9, last + 10**12, 160),
        ]
    )
    return random.integers(len(log.user_keys), size=400), moments


def test_features_through_feast_have_the_bits_of_a_fold_one_by_one(log, points, tmp_path, monkeypatch):
    monkeypatch.setattr(offline, "POINTS_AT_ONCE", 150)
    monkeypatch.setattr(offline, "ROWS_AT_ONCE", 40)
    monkeypatch.setattr(offline, "COPIES_AT_ONCE", 300)
    users, at = points

    found = historical_features(write_states(log, users, at, tmp_path), asked(log, users, at))

    expected = np.array([known(ROWS, log.user_keys[user], moment) for user, moment in zip(users, at, strict=True)])
    assert same_bits(found, expected)


@pytest.mark.parametrize(("people", "joins"), [(1, 45), (10, 15), (3_000, 1), (100_000, 1)])
def test_a_join_copies_no_more_states_however_few_people_all_points_are_of(people, joins):
    asked_of = np.arange(48_000) % people
    points = pd.DataFrame({"user_key": asked_of.astype(np.str_)})

    chunks = list(_chunks(points, np.arange(48_000)))

    for chunk in chunks:
        each = np.bincount(asked_of[chunk])
        # Of a user's n points the first is joined to one state, the second to two …
        assert np.sum(each * (each + 1) // 2) <= COPIES_AT_ONCE
        assert chunk.size <= POINTS_AT_ONCE
    assert sorted(np.concatenate(chunks)) == list(range(48_000))
    # Each costs time of its own.
    assert len(chunks) <= joins


def test_answers_are_in_the_order_of_row_ids(log, points, tmp_path):
    users, at = (each[:60] for each in points)
    path, questions = write_states(log, users, at, tmp_path), asked(log, users, at)

    shuffled = questions.sample(frac=1, random_state=7)

    assert same_bits(historical_features(path, shuffled), historical_features(path, questions))


def test_nobody_asked_nothing_answered(log, tmp_path):
    nobody = np.empty(0, dtype=np.int64)

    path = write_states(log, nobody, nobody, tmp_path)

    assert historical_features(path, asked(log, nobody, nobody)).shape == (0, CATALOGUE.n_features)


def test_a_user_of_whom_nothing_was_written_has_no_answers(log, points, tmp_path):
    users, at = points
    path = write_states(log, users, at, tmp_path)

    found = historical_features(path, pd.DataFrame({"row_id": [0], "user_key": ["nobody"], "at_us": [log.span[1]]}))

    assert np.isnan(found).all()


def test_a_state_is_written_once_for_all_moments_that_share_it(log, tmp_path):
    last = log.span[1]
    user = int(log.arrays.user[np.argmax(log.arrays.known_at)])

    path = write_states(log, np.full(3, user), np.array([last, last + 1, last + 10**12]), tmp_path)

    states = pq.read_table(path).to_pylist()
    assert len(states) == 1
    assert pd.Timestamp(states[0]["event_timestamp"]).value == last * 1000
    assert states[0]["created_timestamp"] == states[0]["event_timestamp"]


def test_whoever_had_no_event_yet_is_an_empty_person(log, tmp_path):
    user, before = int(log.arrays.user[0]), int(log.arrays.known_at[0]) - 1

    path = write_states(log, np.array([user]), np.array([before]), tmp_path)

    (state,) = pq.read_table(path)["state"].to_pylist()
    assert same_bits(unpack(state), empty())
    assert same_bits(
        historical_features(path, asked(log, np.array([user]), np.array([before])))[0], read(empty(), before)
    )
