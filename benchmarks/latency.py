"""The arithmetic of a load test: when requests are due, and what their latencies say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one run in milliseconds; None where nothing was answered."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


def percentile(ordered: NDArray[np.float64], percent: float) -> float:
    """Return the smallest value that at least `percent` of all values do not exceed.

    The nearest-rank definition: the answer is a latency somebody really had, never an interpolation.

    Args:
        ordered: Ascending values, at least one.
        percent: In (0, 100].
    """
    # The small number keeps 99 % of 1,000 at rank 990 where 0.99 * 1000 is a hair above it.
    rank = int(np.ceil(percent / 100 * ordered.size - 1e-9))
    return float(ordered[max(rank, 1) - 1])


def describe(latencies_s: Sequence[float] | NDArray[np.float64]) -> Latency:
    """Summarise latencies given in seconds, in any order."""
    ordered = np.sort(np.asarray(latencies_s, dtype=np.float64)) * 1e3
    if ordered.size == 0:
        return Latency(None, None, None, None)
    found = (round(percentile(ordered, percent), 3) for percent in (50, 95, 99, 100))
    return Latency(*found)


def arrivals(rate_per_s: float, duration_s: float, *, seed: int) -> NDArray[np.float64]:
    """Return the moments, in seconds from the start, at which independent users would ask.

    A Poisson process: gaps are exponential, so bursts occur as they do in life. The moments are fixed before the
    first request is sent; a slow answer therefore delays no later arrival (no coordinated omission, see
    Tene, "How NOT to Measure Latency", 2013).
    """
    if rate_per_s <= 0 or duration_s <= 0:
        raise ValueError("a schedule needs a positive rate and duration")
    expected = rate_per_s * duration_s
    count = int(expected + 10 * np.sqrt(expected) + 10)
    gaps = np.random.default_rng(seed).exponential(1 / rate_per_s, count)
    moments = np.cumsum(gaps)
    return moments[moments < duration_s]
