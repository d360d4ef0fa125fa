from math import e, log, sqrt

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from training.confidence_sequence import half_widths, tuning


def test_the_width_is_the_closed_form():
    # Theorem 2.2: sigma * sqrt(2 (t rho² + 1) / (t² rho²) * log(sqrt(t rho² + 1) / alpha)); error is sigma / sqrt(t).
    t, sigma, alpha = 400.0, 0.3, 0.05
    rho = tuning(1000, alpha=alpha)
    closed = sigma * sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * log(sqrt(t * rho**2 + 1) / alpha))

    assert half_widths(sigma / sqrt(t), t, planned=1000, alpha=alpha) == pytest.approx(closed, rel=1e-12)


def test_by_hand_for_round_numbers():
    # t rho² = 1 makes it error * sqrt(4 log(sqrt(2) / alpha)).
    planned = 1000
    t = 1 / tuning(planned, alpha=sqrt(2) / e) ** 2

    assert half_widths(0.5, t, planned=planned, alpha=sqrt(2) / e) == pytest.approx(0.5 * 2)


def test_it_is_nearly_tightest_where_it_was_planned_to_be():
    planned = 5000
    best = minimize_scalar(
        lambda at: float(half_widths(1 / sqrt(planned), planned, planned=round(at))), bounds=(500, 50_000)
    )

    assert half_widths(1 / sqrt(planned), planned, planned=planned) <= best.fun * 1.01


def test_it_is_wider_than_an_interval_for_one_look_and_never_much_wider():
    counts = np.array([100, 1000, 10_000, 100_000])
    ratio = half_widths(1 / np.sqrt(counts), counts, planned=10_000) * np.sqrt(counts)

    assert (ratio > 1.96).all()
    assert ratio[2] < 3.2
