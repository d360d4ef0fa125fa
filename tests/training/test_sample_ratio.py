from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.sample_ratio import log_e_values, sample_ratio

SHARES = (0.1, 0.9)


def test_of_one_user_the_evidence_is_nil_whichever_arm():
    # Dirichlet's mean is the planned share: the first user says nothing.
    assert log_e_values([[1, 0], [0, 1]], SHARES) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_it_is_the_ratio_of_the_two_likelihoods():
    # With concentration 2 and equal shares the alternative is uniform: 1 / (n + 1) for each count against binomial.
    found = log_e_values([7, 3], (0.5, 0.5), concentration=2.0)
    orders = lgamma(11) - lgamma(8) - lgamma(4)

    assert found == pytest.approx(-log(11) - orders - 10 * log(0.5))


@given(st.integers(0, 5), st.integers(0, 60))
def test_its_mean_over_the_next_user_is_what_it_was(control, treatment):
    here = exp(float(log_e_values([control, treatment], SHARES)))
    after = [exp(float(each)) for each in log_e_values([[control + 1, treatment], [control, treatment + 1]], SHARES)]

    assert np.dot(SHARES, after) == pytest.approx(here)


def test_a_growing_imbalance_is_found_at_the_first_look_that_proves_it():
    looks = np.array([[100, 900], [1000, 8000], [2200, 17800], [4400, 35600]])
    found = sample_ratio(looks, SHARES)
    logs = log_e_values(looks, SHARES)

    assert found.invalid
    assert found.found_at == int(np.flatnonzero(logs > log(100))[0])
    assert found.counts == (4400, 35600)
    assert found.expected == (4000, 36000)


def test_what_was_refuted_once_stays_refuted():
    back = np.array([[2000, 8000], [9900, 90100]])

    assert sample_ratio(back, SHARES).found_at == 0


def test_arms_as_drawn_are_fine():
    drawn = np.random.default_rng(3).multinomial(1000, (0.2, 0.3, 0.5), 60).cumsum(axis=0)

    assert not sample_ratio(drawn, (0.2, 0.3, 0.5)).invalid
