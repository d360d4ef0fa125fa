import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from models.calibration import Identity, Isotonic, Platt, sigmoid
from training.calibrate import candidates, choose, isotonic, platt


def outcomes(log_odds, seed):
    return np.random.default_rng(seed).random(log_odds.size) < sigmoid(log_odds)


TRUE = np.random.default_rng(1).normal(-1.5, 1.2, 40_000)


def test_platt_finds_the_line_that_distorted_the_log_odds():
    found = platt((TRUE + 0.4) / 0.7, outcomes(TRUE, 2))

    assert (found.slope, found.intercept) == (pytest.approx(0.7, abs=0.03), pytest.approx(-0.4, abs=0.03))


def test_the_table_predicts_what_scikit_learn_s_isotonic_regression_predicts():
    ordered = outcomes(TRUE, 2)
    reference = IsotonicRegression(y_min=1e-4, y_max=1 - 1e-4, out_of_bounds="clip").fit(TRUE, ordered)
    others = np.linspace(-9, 9, 1001)

    assert isotonic(TRUE, ordered)(others) == pytest.approx(reference.predict(others))


def test_few_purchases_leave_the_model_as_it_is():
    assert candidates(TRUE[:100], outcomes(TRUE[:100] - 9, 2)) == [Identity()]


def test_a_table_needs_many_rows():
    assert {type(each) for each in candidates(TRUE[:5000], outcomes(TRUE[:5000], 2))} == {Identity, Platt}
    assert {type(each) for each in candidates(TRUE, outcomes(TRUE, 2))} == {Identity, Platt, Isotonic}


def test_a_calibrated_model_stays_as_it_is():
    found = choose(candidates(TRUE, outcomes(TRUE, 2)), TRUE, outcomes(TRUE, 3), np.arange(TRUE.size))

    assert found == Identity()


def test_a_distorted_model_gets_the_calibrator_that_wins_on_the_next_window():
    distorted = 2.0 * TRUE + 1.0
    found = choose(candidates(distorted, outcomes(TRUE, 2)), distorted, outcomes(TRUE, 3), np.arange(TRUE.size))

    assert isinstance(found, Platt | Isotonic)
    assert np.abs(found(distorted) - sigmoid(TRUE)).mean() < 0.01
