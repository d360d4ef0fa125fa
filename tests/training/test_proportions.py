import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from training.proportions import Arm, belief, difference


def test_one_success_and_one_failure_are_added_to_each_arm():
    found = difference((8, 18), (3, 11))

    assert found.estimate == pytest.approx(12 / 20 - 4 / 10)
    assert found.error == pytest.approx(np.sqrt(0.4 * 0.6 / 10 + 0.6 * 0.4 / 20))


def test_looks_are_compared_side_by_side():
    found = difference((np.array([8, 98]), np.array([18, 98])), (np.array([3, 49]), np.array([11, 49])))

    assert found.estimate.tolist() == pytest.approx([0.2, 0.0])


def test_an_empty_arm_is_no_error_and_says_nothing():
    found = difference((0, 0), (0, 0))

    assert found.estimate == 0
    assert found.error == pytest.approx(np.sqrt(0.25))


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_beliefs_agree_with_draws_from_the_same_distributions(control, treatment, data):
    arms = [Arm(n, data.draw(st.integers(0, n))) for n in (control, treatment)]
    random = np.random.default_rng(1)
    rates = [random.beta(each.conversions + 1, each.users - each.conversions + 1, 40_000) for each in arms]
    found = belief(*arms)

    assert found.better == pytest.approx(float(np.mean(rates[1] > rates[0])), abs=0.015)
    assert found.loss_if_shipped == pytest.approx(float(np.maximum(rates[0] - rates[1], 0).mean()), abs=0.01)
    assert found.loss_if_kept == pytest.approx(float(np.maximum(rates[1] - rates[0], 0).mean()), abs=0.01)


@pytest.mark.parametrize(
    ("control", "treatment", "better"),
    [
        # By the normal distribution: .00003 of a difference, with an error of 1.407e-5.
        (Arm(10**8, 10**6), Arm(10**8, 1_003_000), 0.9834),
        # The treatment's rate is known: whether control's is below it, which is a question to control's alone.
        (Arm(100, 5), Arm(10**9, 5 * 10**7), float(beta(6, 96).cdf(0.05))),
        (Arm(10**9, 10**7), Arm(50, 1), float(beta(2, 50).sf(0.01))),
    ],
)
def test_millions_are_compared_with_millions_and_with_a_few(control, treatment, better):
    assert belief(control, treatment).better == pytest.approx(better, abs=2e-4)


def test_of_equal_arms_neither_is_believed_to_be_better():
    found = belief(Arm(1000, 50), Arm(1000, 50))

    assert found.better == pytest.approx(0.5)
    assert found.loss_if_shipped == pytest.approx(found.loss_if_kept)


def test_the_rate_of_nobody_is_unknown():
    assert Arm(0, 0).rate is None
    assert Arm(4, 1).rate == 0.25
