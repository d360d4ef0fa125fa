"""The arithmetic of a shrunken circular profile, compiled: what speaks for each hour, and how surely."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from models.circle import HOURS

Floats = npt.NDArray[np.float64]

BESIDE_H: Final = 3
"""Hours so near to the best one, two widths of the kernel, belong to the same peak and are no rivals of it."""


@njit(cache=True, nogil=True)
def weigh(
    counts: Floats,
    spread: Floats,
    cohorts: Floats,
    logs: Floats,
    shares: Floats,
    strength: float,
    per_visit: float,
    out: Floats,
    members: Floats,
) -> None:
    """Write what speaks for each hour of each row, and how likely it is of each cohort."""
    likely = np.empty(shares.size)
    for row in range(counts.shape[0]):
        for k in range(shares.size):
            likely[k] = shares[k] + np.sum(counts[row] * logs[k]) / per_visit
        likely = np.exp(likely - likely.max())
        likely /= likely.sum()
        members[row] = likely
        likely *= strength
        for hour in range(HOURS):
            own = 0.0
            for other in range(HOURS):
                own += counts[row, other] * spread[other, hour]
            for k in range(shares.size):
                own += likely[k] * cohorts[k, hour]
            out[row, hour] = own


@njit(cache=True, nogil=True)
def judge(weights: Floats, counts: Floats, strength: float, per_visit: float, facts: Floats) -> None:
    """Write best hour, confidence and personal share of each row, and make shares of its weights."""
    for row in range(weights.shape[0]):
        best, total, rival = np.argmax(weights[row]), np.sum(weights[row]), 0.0
        for hour in range(HOURS):
            apart = abs(hour - best)
            if min(apart, HOURS - apart) > BESIDE_H:
                rival = max(rival, weights[row, hour])
        top = weights[row, best]
        # Two Gamma counts differ by their root; the chance that the larger one is larger, scaled to 0 for a toss-up.
        ahead = (top - rival) / math.sqrt((top + rival) * per_visit)
        facts[row, 0] = best
        facts[row, 1] = math.erf(ahead / math.sqrt(2.0))
        facts[row, 2] = np.sum(counts[row]) / (np.sum(counts[row]) + strength)
        weights[row] /= total
