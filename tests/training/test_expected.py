import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.evaluate import log_loss
from training.expected import entropy, expected, roc_auc


def test_what_two_predictions_expect_by_arithmetic():
    found = expected(np.array([0.2, 0.6]))

    assert found.rate == pytest.approx(0.4)
    own = [-p * math.log(p) - (1 - p) * math.log(1 - p) for p in (0.2, 0.6)]
    assert found.log_loss == pytest.approx(sum(own) / 2)
    # Pairs of one who orders and one who does not: (order .6, none .2) is right, (order .2, none .6) is wrong,
    # and two of the same score count half.
    right, wrong, even = 0.6 * 0.8, 0.2 * 0.4, 0.2 * 0.8 + 0.6 * 0.4
    assert found.roc_auc == pytest.approx((right + even / 2) / (right + wrong + even))


def test_a_row_that_stands_for_two_counts_twice():
    once = expected(np.array([0.2, 0.6, 0.6]))

    assert expected(np.array([0.2, 0.6]), np.array([1.0, 2.0])) == pytest.approx(once)


def test_calibrated_scores_do_as_well_as_they_expect():
    random = np.random.default_rng(5)
    predicted = random.beta(0.6, 5.0, 40_000)
    ordered = random.random(40_000) < predicted

    found = expected(predicted)

    # Four standard errors of 40,000 rows: of the loss from its own spread, of the area by Hanley and McNeil's bound.
    spread = math.sqrt(np.mean(predicted * (1 - predicted) * np.log(predicted / (1 - predicted)) ** 2) / 40_000)
    assert log_loss(predicted, ordered) == pytest.approx(found.log_loss, abs=4 * spread)
    assert roc_auc_score(ordered, predicted) == pytest.approx(found.roc_auc, abs=4 / math.sqrt(12 * ordered.sum()))
    assert ordered.mean() == pytest.approx(found.rate, abs=4 * math.sqrt(found.rate / 40_000))


def test_certain_predictions_have_no_order():
    assert expected(np.zeros(3)).roc_auc is None
    assert entropy(np.array([0.0, 1.0])) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_the_area_is_that_of_scikit_learn_with_weights_and_ties():
    random = np.random.default_rng(2)
    predicted, ordered, weight = random.integers(0, 20, 500) / 20, random.random(500) < 0.3, random.uniform(1, 5, 500)

    wanted = roc_auc_score(ordered, predicted, sample_weight=weight)
    assert roc_auc(predicted, weight * ordered, weight * ~ordered) == pytest.approx(wanted)
    assert roc_auc(predicted, weight, np.zeros(500)) is None
