from dataclasses import replace

import numpy as np
import pytest

from training.fit import Rows, fit, log_odds, parameters, refit


def some_rows(count, seed):
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 3))
    chance = 1 / (1 + np.exp(-(features[:, 0] - 0.5 * features[:, 1] - 1)))
    return Rows(features, random.random(count) < chance, np.arange(count), np.arange(count))


TRAIN, VALID = some_rows(3000, 1), some_rows(1000, 2)
NAMES = ["a", "b", "c"]


def test_a_declared_direction_is_kept_everywhere():
    booster = fit(TRAIN, VALID, parameters(TRAIN, [1, 0, 0], 0), NAMES)
    rows = np.repeat(some_rows(50, 3).features, 41, axis=0)
    rows[:, 0] = np.tile(np.linspace(-4, 4, 41), 50)

    found = log_odds(booster, Rows(rows, np.zeros(len(rows), dtype=bool), rows[:, 0], rows[:, 0])).reshape(50, 41)

    assert np.all(np.diff(found, axis=1) >= -1e-12)


def test_it_stops_where_the_later_window_is_served_best():
    booster = fit(TRAIN, VALID, parameters(TRAIN, [0, 0, 0], 0), NAMES)

    assert 5 < booster.num_trees() < 300


def test_the_same_rows_and_seed_give_the_same_model():
    used = parameters(TRAIN, [0, 0, 0], 4)

    assert refit(TRAIN, 20, used, NAMES).model_to_string() == refit(TRAIN, 20, used, NAMES).model_to_string()


@pytest.mark.parametrize("word", ["is_unbalance", "scale_pos_weight"])
def test_no_weights_that_would_undo_the_calibration(word):
    assert word not in parameters(TRAIN, [0, 0, 0], 0)


def test_the_mean_prediction_is_the_base_rate():
    booster = refit(TRAIN, 100, parameters(TRAIN, [0, 0, 0], 0), NAMES)

    assert np.mean(1 / (1 + np.exp(-log_odds(booster, TRAIN)))) == pytest.approx(TRAIN.ordered.mean(), abs=0.005)


def changed(values, row, value):
    found = values.copy()
    found[row] = value
    return found


@pytest.mark.parametrize(
    "other",
    [
        replace(TRAIN, ordered=changed(TRAIN.ordered, 7, not TRAIN.ordered[7])),
        replace(TRAIN, features=changed(TRAIN.features, (7, 1), np.nextafter(TRAIN.features[7, 1], np.inf))),
        replace(TRAIN, features=changed(TRAIN.features, (7, 1), np.nan)),
        replace(TRAIN, user=changed(TRAIN.user, 7, 8)),
        replace(TRAIN, at=changed(TRAIN.at, 7, 8)),
        replace(TRAIN, weight=changed(np.ones(len(TRAIN)), 7, 2.0)),
        TRAIN.where(np.arange(len(TRAIN)) != 7),
        TRAIN.columns([0, 2, 1]),
    ],
    ids=["label", "feature", "gap", "person", "moment", "weight", "row", "order of features"],
)
def test_the_fingerprint_of_a_training_set_changes_with_whatever_is_in_it(other):
    assert other.fingerprint != TRAIN.fingerprint


def test_the_same_rows_have_the_same_fingerprint_however_a_gap_or_no_weight_is_written():
    gap = np.array([0x7FF8_0000_0000_0001], dtype=np.uint64).view(np.float64)[0]
    one, other = (replace(TRAIN, features=changed(TRAIN.features, (7, 1), each)) for each in (np.nan, gap))

    assert one.fingerprint == other.fingerprint
    assert some_rows(3000, 1).fingerprint == TRAIN.fingerprint
    assert replace(TRAIN, weight=np.ones(len(TRAIN))).fingerprint == TRAIN.fingerprint
