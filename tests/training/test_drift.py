import math

import numpy as np
import pytest

from training.drift import drifting, stability_index


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
