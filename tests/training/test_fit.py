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
