import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.histories import laws
from training.evaluate import (
    at_budget,
    by_user,
    calibration_by_chance,
    calibration_error,
    deciles,
    highest,
    judge,
    log_loss,
    upper_bound,
)

PREDICTED = np.array([0.1, 0.4, 0.35, 0.8])
ORDERED = np.array([False, False, True, True])


def test_figures_of_four_rows_by_hand():
    found = judge(PREDICTED, ORDERED)

    # Of the four pairs of a buyer and another, three are in order; precision is 1 at the first hit, then 2/3.
    assert found.roc_auc == pytest.approx(3 / 4)
    assert found.pr_auc == pytest.approx((1 + 2 / 3) / 2)
    assert found.brier == pytest.approx((0.1**2 + 0.4**2 + 0.65**2 + 0.2**2) / 4)
    assert found.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.6) + math.log(0.35) + math.log(0.8)) / 4)
    assert (found.rows, found.positives, found.base_rate) == (4, 2, 0.5)


def test_one_outcome_has_no_order_to_judge():
    found = judge(PREDICTED, np.zeros(4, dtype=bool))

    assert found.roc_auc is None
    assert found.pr_auc is None


def test_certainty_that_was_wrong_has_a_finite_loss():
    assert math.isfinite(log_loss(np.array([0.0, 1.0]), np.array([True, False])))


def test_the_calibration_error_is_the_worst_tenth():
    predicted = np.repeat(np.arange(10) / 10, 100)
    ordered = np.concatenate([np.arange(100) < 10 * i for i in range(10)])
    assert calibration_error(predicted, ordered) == pytest.approx(0.0)

    assert calibration_error(np.where(predicted == 0.9, 0.7, predicted), ordered) == pytest.approx(0.2)


def test_by_chance_the_error_of_one_tenth_of_alike_rows_is_the_textbook_s():
    # Certain everywhere but in one tenth: its gap is normal, and 1.96 standard errors hold it in 19 of 20 cases.
    predicted = np.concatenate([np.zeros(9_000), np.full(1_000, 0.5)])
    ordered = np.concatenate([np.zeros(9_000, bool), np.arange(1_000) < 500])

    found = calibration_by_chance(predicted, ordered, np.arange(10_000))
    assert found == pytest.approx(1.959964 * math.sqrt(0.25 / 1_000))
    # Four rows of one person that say the same are one.
    four = [np.tile(each, 4) for each in (predicted, ordered, np.arange(10_000))]
    assert calibration_by_chance(*four) == pytest.approx(found)
    assert calibration_by_chance(np.zeros(10), np.zeros(10, bool), np.arange(10)) == 0.0


@laws
@given(st.integers(1, 300))
def test_deciles_hold_every_row_once(rows):
    random = np.random.default_rng(rows)

    assert sum(each[2] for each in deciles(random.random(rows), random.random(rows) < 0.5)) == rows


def test_precision_and_recall_of_a_choice():
    found = at_budget(np.array([True, False, True, True]), ORDERED)

    assert (found.precision, found.recall) == (pytest.approx(2 / 3), 1.0)
    assert at_budget(np.zeros(4, dtype=bool), ORDERED).precision is None


def test_the_highest_are_chosen_the_earlier_of_equals_first():
    assert highest(np.array([0.2, 0.9, 0.9, 0.1]), 1).tolist() == [False, True, False, False]


def test_rows_of_one_person_are_summed():
    assert by_user(np.array([[1.0], [2.0], [4.0]]), np.array([7, 3, 7])).tolist() == [[2.0], [5.0]]


def test_repeating_every_row_of_a_person_makes_a_bound_no_tighter():
    differences = np.random.default_rng(1).normal(0, 1, 200)
    user = np.arange(200)

    once = upper_bound(differences, user)
    assert upper_bound(np.tile(differences, 5), np.tile(user, 5)) == pytest.approx(once)
    assert upper_bound(differences, np.zeros_like(user)) == np.inf


def test_the_bound_is_the_textbook_s_for_independent_rows():
    differences = np.random.default_rng(1).normal(0.5, 2.0, 400)

    expected = differences.mean() + 1.6448536 * differences.std() / math.sqrt(400)
    assert upper_bound(differences, np.arange(400)) == pytest.approx(expected, rel=1e-6)
