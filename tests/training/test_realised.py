import numpy as np
import pytest
from scipy.stats import binomtest

from training.realised import TWO_SIDED_99, realised
from training.status import Status


def scored(people=3000, *, actual=1.0, seed=4, times=1):
    """Return probabilities, what followed if they are `actual` times right, and whose they are."""
    random = np.random.default_rng(seed)
    predicted = np.repeat(random.beta(1.0, 9.0, people), times)
    ordered = np.repeat(random.random(people), times) < np.minimum(actual * predicted, 1.0)
    return predicted, ordered, np.repeat(np.arange(people), times)


def test_two_rows_by_arithmetic():
    found = realised(np.array([0.2, 0.6]), np.array([False, True]), np.array([1, 2]), left_out=3)

    assert (found.rows, found.left_out, found.people, found.orders) == (2, 3, 2, 1)
    assert found.rate == 0.5
    assert found.level.estimate == pytest.approx((-0.2 + 0.4) / 2)
    assert found.level.margin == pytest.approx(TWO_SIDED_99 * np.sqrt(0.2**2 + 0.4**2) / 2)
    assert found.loss.estimate == pytest.approx(found.log_loss - found.expected.log_loss)
    assert found.status is Status.UNKNOWN


def test_nothing_is_said_of_nothing():
    assert realised(np.empty(0), np.empty(0, np.bool_), np.empty(0, np.int64)) is None


def test_a_level_that_is_right_is_ok_and_one_that_is_not_is_said():
    assert realised(*scored()).status is Status.OK
    assert realised(*scored(30_000, actual=1.15)).status is Status.CHANGED
    assert realised(*scored(actual=1.6)).status is Status.LARGE
    assert realised(*scored(actual=0.5)).status is Status.LARGE


def test_too_few_orders_say_nothing():
    assert realised(*scored(60)).status is Status.UNKNOWN


def test_rows_of_one_person_are_no_proof():
    times = 120
    found = sum(not realised(*scored(400, seed=seed, times=5)).level.is_chance for seed in range(times))

    assert binomtest(found, times, 0.01, alternative="greater").pvalue > 0.001


def test_weights_say_what_rows_stand_for():
    predicted, ordered, person = scored(500)
    doubled = realised(np.tile(predicted, 2), np.tile(ordered, 2), np.tile(person, 2))
    weighted = realised(predicted, ordered, person, np.full(500, 2.0))

    assert weighted.rate == pytest.approx(doubled.rate)
    assert weighted.level == pytest.approx(doubled.level)
