import math

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from training.drift import binned, drifting, edges_around_heaps, shift, stability_index, worth
from training.status import Status


def test_equal_distributions_have_an_index_of_nothing():
    values = np.random.default_rng(1).normal(size=5000)

    assert stability_index(values, values) == 0.0
    assert stability_index(values, np.random.default_rng(2).normal(size=5000)) < 0.02


def test_the_index_is_the_published_sum_over_bins():
    before = np.array([0.0] * 80 + [1.0] * 20)
    after = np.array([0.0] * 50 + [1.0] * 50)

    # (p - q) ln(p / q) of two bins (Siddiqi 2006); the bin of no answer is empty in both.
    expected = (0.8 - 0.5) * math.log(0.8 / 0.5) + (0.2 - 0.5) * math.log(0.2 / 0.5)
    assert stability_index(before, after) == pytest.approx(expected)


def test_answers_that_begin_to_be_missing_are_a_change():
    values = np.random.default_rng(1).normal(size=1000)

    assert stability_index(values, np.full(1000, np.nan)) > 0.25
    assert stability_index(np.full(1000, np.nan), values) > 0.25
    assert stability_index(np.full(1000, np.nan), np.full(10, np.nan)) == 0.0


def test_what_grows_with_the_calendar_is_found_and_what_does_not_is_not():
    random = np.random.default_rng(1)
    rows = np.column_stack([np.arange(900) + random.normal(0, 30, 900), random.normal(size=900)])

    assert list(drifting(rows, ("tenure", "steady"))) == ["tenure"]


def test_values_are_counted_by_bin_and_what_has_no_answer_last():
    values = np.array([-1.0, 0.0, 0.5, 1.0, 7.0, np.nan])

    assert binned(values, np.array([0.0, 1.0])).tolist() == [1, 2, 2, 1]
    assert binned(values, np.array([0.0, 1.0]), np.arange(6.0)).tolist() == [0, 3, 7, 5]


def test_a_change_is_what_chance_does_not_make_of_so_many_rows():
    before, after = np.array([800.0, 200.0, 0.0]), np.array([120.0, 80.0, 0.0])
    index = (0.8 - 0.6) * math.log(0.8 / 0.6) + (0.2 - 0.4) * math.log(0.2 / 0.4)

    found = shift(before, after, 1000, 200)

    assert found.psi == pytest.approx(index)
    # Two bins are used: one degree of freedom.
    assert found.bound == pytest.approx(chi2.ppf(0.99, 1) * (1 / 1000 + 1 / 200))
    assert found.status is Status.CHANGED
    assert shift(before, after, 1000, 10).status is Status.OK
    assert shift(before, np.array([80.0, 120.0, 0.0]), 1000, 200).status is Status.LARGE


def test_values_that_are_all_the_same_have_no_noise():
    assert shift(np.array([0.0, 50.0]), np.array([0.0, 9.0]), 50, 9) == (0.0, 0.0)


def test_rows_of_one_person_are_worth_one():
    assert worth(np.array([7, 7, 7, 7])) == 1.0
    assert worth(np.arange(5)) == 5.0
    # (3 + 1)² / (9 + 1)
    assert worth(np.array([1, 1, 1, 2])) == pytest.approx(1.6)
    assert worth(np.array([1, 2]), np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert worth(np.array([], dtype=np.int64)) == 0.0


def test_a_heap_is_a_bin_of_its_own_so_that_what_is_rare_can_change():
    random = np.random.default_rng(3)
    before, after = random.poisson(0.03, 5000).astype(np.float64), random.poisson(0.09, 2000).astype(np.float64)
    edges = edges_around_heaps(before)

    assert edges.tolist() == [0.0, np.nextafter(0.0, 1.0)]
    assert binned(np.array([0.0, 1.0, 2.0]), edges).tolist() == [0, 1, 2, 0]
    assert shift(binned(before, edges), binned(after, edges), 5000, 2000).status is Status.CHANGED
    assert stability_index(before, after) == 0.0
    assert edges_around_heaps(np.arange(11.0)) == pytest.approx(np.arange(1.0, 10.0))


def false_alarms(draw, times=1000, seed=20261130):
    """Return how often samples of 4,000 and 600 people of one distribution are called changed."""
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(times):
        before, (after, person) = draw(random, 4000)[0], draw(random, 600)
        edges = edges_around_heaps(before)
        found += shift(binned(before, edges), binned(after, edges), 4000, worth(person)).status is not Status.OK
    return found


def alone(random, people):
    values = random.lognormal(0.0, 1.0, people)
    values[random.random(people) < 0.03] = np.nan
    return values, np.arange(people)


def in_clusters(random, people):
    """Every person is asked about once to nine times, and is hardly different from time to time."""
    times = random.integers(1, 10, people)
    values = np.repeat(random.normal(0.0, 1.0, people), times) + random.normal(0.0, 0.01, times.sum())
    return values, np.repeat(np.arange(people), times)


def rare(random, people):
    """Most have none of it."""
    return random.poisson(0.05, people).astype(np.float64), np.arange(people)


@pytest.mark.parametrize("draw", [alone, rare, in_clusters])
def test_equal_distributions_are_called_changed_once_in_a_hundred_times_at_most(draw):
    times = 1000

    assert binomtest(false_alarms(draw, times), times, 0.01, alternative="greater").pvalue > 0.001


def test_clusters_taken_for_independent_rows_would_cry_wolf():
    random = np.random.default_rng(1)
    before = in_clusters(random, 4000)[0]
    edges = edges_around_heaps(before)
    found = 0
    for _ in range(200):
        after, _ = in_clusters(random, 600)
        found += shift(binned(before, edges), binned(after, edges), 4000, after.size).status is not Status.OK

    assert binomtest(found, 200, 0.01, alternative="greater").pvalue < 0.001
