import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from training.spending import bounds, spent

EQUAL = {
    # Lan and DeMets's O'Brien–Fleming-type bounds for equally spaced looks, two-sided .05, as ldbounds prints them.
    1: [1.960],
    2: [2.963, 1.969],
    3: [3.710, 2.511, 1.993],
    5: [4.877, 3.357, 2.680, 2.290, 2.031],
}


@pytest.mark.parametrize("looks", EQUAL)
def test_bounds_of_equal_looks_are_the_published_ones(looks):
    found = bounds([(i + 1) / looks for i in range(looks)])

    assert found.round(3).tolist() == EQUAL[looks]


def test_all_error_is_spent_at_the_end_and_next_to_none_at_the_beginning():
    assert spent(1.0) == pytest.approx(0.05)
    assert spent(0.2) < 2e-6


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.02, 1.0), min_size=1, max_size=12, unique_by=lambda each: round(each, 2)))
def test_whatever_the_times_chance_alone_crosses_the_bounds_as_often_as_was_spent(times):
    looks = np.sort(times)
    found = bounds(looks.tolist())
    steps = np.random.default_rng(7).normal(size=(100_000, looks.size)) * np.sqrt(np.diff(looks, prepend=0.0))
    crossed = (np.abs(steps.cumsum(axis=1) / np.sqrt(looks)) >= found).any(axis=1).mean()

    assert crossed == pytest.approx(spent(float(looks[-1])), abs=5 * np.sqrt(0.05 / 100_000))


def test_a_single_look_is_a_plain_test():
    assert bounds([1.0], alpha=0.1)[0] == pytest.approx(norm.isf(0.05), abs=1e-8)


def test_a_last_look_beyond_the_plan_is_the_last_look():
    assert bounds([0.5, 1.3]).tolist() == bounds([0.5, 1.0]).tolist()


@pytest.mark.parametrize("times", [[0.5, 0.5], [0.6, 0.4], [0.0, 1.0], [1.0, 1.2]])
def test_times_that_do_not_rise_to_the_end_are_refused(times):
    with pytest.raises(ValueError, match="must rise"):
        bounds(times)


def test_so_early_a_look_that_nothing_may_be_spent_never_ends_anything():
    assert bounds([0.0005, 1.0]).round(3).tolist() == [38.0, 1.96]
