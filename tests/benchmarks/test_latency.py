"""Percentiles are latencies somebody had; a schedule is fixed before anything is sent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.latency import arrivals, describe, percentile


def test_percentiles_of_one_to_a_thousand_are_the_ranks_themselves() -> None:
    ordered = np.arange(1, 1001, dtype=np.float64)

    assert [percentile(ordered, percent) for percent in (0.1, 50, 95, 99, 99.9, 100)] == [1, 500, 950, 990, 999, 1000]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 100))
def test_at_least_that_share_of_all_values_is_not_above_the_percentile(values: list[float], percent: float) -> None:
    found = percentile(np.sort(np.array(values)), percent)

    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-6
    assert sum(value < found for value in values) < percent / 100 * len(values) + 1e-6


def test_one_slow_answer_in_a_hundred_is_the_maximum_and_not_the_99th_percentile() -> None:
    latency = describe([0.001] * 99 + [1.0])

    assert (latency.p50_ms, latency.p99_ms, latency.max_ms) == (1.0, 1.0, 1000.0)


def test_nothing_answered_has_no_percentiles() -> None:
    assert describe([]).p99_ms is None


def test_arrivals_come_at_the_asked_rate_with_the_spread_of_a_poisson_process() -> None:
    moments = arrivals(2000, 50, seed=7)
    gaps = np.diff(moments)

    # 100,000 arrivals: the count has a standard deviation of 316, the mean of its square root's share.
    assert abs(moments.size - 100_000) < 5 * 316
    assert np.all(gaps >= 0)
    assert moments[0] >= 0
    assert moments[-1] < 50
    assert np.std(gaps) == pytest.approx(1 / 2000, rel=0.03)


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert np.array_equal(arrivals(100, 3, seed=1), arrivals(100, 3, seed=1))
    assert not np.array_equal(arrivals(100, 3, seed=1)[:10], arrivals(100, 3, seed=2)[:10])


def test_a_schedule_without_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        arrivals(0, 1, seed=1)
