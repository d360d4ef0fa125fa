import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.delong import auc_difference


def by_pairs(first, second, ordered):
    """DeLong's formulas as they stand in the paper, one pair after the other."""

    def components(predicted):
        yes, no = predicted[ordered], predicted[~ordered]
        psi = (yes[:, None] > no[None, :]) + 0.5 * (yes[:, None] == no[None, :])
        return psi.mean(), psi.mean(axis=1), psi.mean(axis=0)

    (auc_1, v10_1, v01_1), (auc_2, v10_2, v01_2) = components(first), components(second)
    s10, s01 = np.cov(v10_1, v10_2), np.cov(v01_1, v01_2)
    covariance = s10 / ordered.sum() + s01 / (~ordered).sum()
    weights = np.array([1.0, -1.0])
    return auc_1 - auc_2, np.sqrt(max(weights @ covariance @ weights, 0.0))


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(8, 60), steps=st.integers(2, 40), seed=st.integers(0, 10_000))
def test_with_one_row_a_person_it_is_what_the_paper_says_ties_included(rows, steps, seed):
    drawn = np.random.default_rng(seed)
    ordered = np.arange(rows) % 3 == 0
    first, second = drawn.integers(0, steps, (2, rows)) / steps

    found = auc_difference(first, second, ordered, np.arange(rows))

    expected = by_pairs(first, second, ordered)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found.estimate == pytest.approx(roc_auc_score(ordered, first) - roc_auc_score(ordered, second))


def test_the_same_row_ten_times_over_says_no_more_than_once():
    drawn = np.random.default_rng(5)
    ordered = drawn.random(400) < 0.3
    first = ordered + drawn.normal(0, 1.0, 400)
    second = ordered + drawn.normal(0, 1.5, 400)
    once = auc_difference(first, second, ordered, np.arange(400))

    tenfold = auc_difference(*(np.repeat(each, 10) for each in (first, second, ordered, np.arange(400))))

    assert tenfold == pytest.approx(once)


def test_the_error_is_how_far_the_estimate_strays_where_people_have_several_rows():
    drawn = np.random.default_rng(8)
    estimates, errors = [], []
    for _ in range(400):
        user = np.repeat(np.arange(120), 4)
        liking = np.repeat(drawn.normal(0, 1, 120), 4)
        ordered = drawn.random(480) < 1 / (1 + np.exp(-liking))
        first, second = liking + drawn.normal(0, 0.8, 480), np.repeat(drawn.normal(0, 1, 120), 4) + liking
        found = auc_difference(first, second, ordered, user)
        estimates.append(found.estimate)
        errors.append(found.error)

    # 400 draws tell a standard deviation to 3.5 %: four of those are 14 %.
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.14)


def test_one_buyer_makes_no_error():
    with pytest.raises(ValueError, match="two people of each outcome"):
        auc_difference(np.arange(4.0), np.arange(4.0), np.array([True, False, False, False]), np.arange(4))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_row_that_weighs_three_counts_as_three_rows_of_that_person(seed):
    drawn = np.random.default_rng(seed)
    ordered = np.arange(40) % 3 == 0
    first, second = drawn.integers(0, 12, (2, 40)) / 12
    user, weight = drawn.permutation(40) // 2, drawn.integers(1, 4, 40)

    found = auc_difference(first, second, ordered, user, weight.astype(float))

    assert found == pytest.approx(auc_difference(*(np.repeat(each, weight) for each in (first, second, ordered, user))))
