"""Fitting a profile of send hours: everybody's day, the cohorts, and how much of people's own is believed."""

from typing import Any, Final

import numpy as np

from models.circle import HOURS, kernel
from models.horizon import SEND_HOUR_REGISTERED as REGISTERED
from models.send_hour import SIGMA_H, SendHourModel
from training.habits import Habits
from training.log import Floats
from training.send_hour_judge import losses

STRENGTHS: Final = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
COHORTS: Final = (1, 4, 8)
CLEARLY: Final = 0.001
"""How much better, as a share of the log-loss, more cohorts must be than fewer."""
MOST_OF_ONE: Final = 50.0
"""So many visits of one person count for everybody's hours, and no more."""
_ROUNDS: Final = 40
_HELD: Final = 20.0
"""Events of everybody that each cohort has besides its own, so that no hour of it is impossible."""


def everybody(histories: Floats, events_per_visit: float) -> Floats:
    """Return how people of shape (n, 24) spend their day together: 24 shares, all above zero."""
    most = MOST_OF_ONE * events_per_visit
    weights = np.minimum(1.0, most / np.maximum(histories.sum(axis=1), 1e-12))
    # One event, spread evenly: an hour in which nobody was there yet is not impossible.
    found = weights @ histories + 1.0 / HOURS
    shares: Floats = found / found.sum()
    return shares


def cohorts(histories: Floats, count: int, events_per_visit: float, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Return `count` ways to spend the day, of shape (count, 24), and how many people have each, of shape (count,).

    A mixture of multinomials, fitted by expectation and maximisation (Dempster, Laird and Rubin 1977); the events of a
    visit are taken for one. Each cohort is smoothed over the clock and drawn a little to everybody.
    """
    all_of_them = everybody(histories, events_per_visit)
    if count == 1:
        return all_of_them[None, :], np.ones(1)
    drawn = np.random.default_rng(seed)
    visits, spread = histories / events_per_visit, kernel(SIGMA_H)
    days, shares = drawn.dirichlet(HOURS * all_of_them, count) @ spread, np.full(count, 1.0 / count)
    for _ in range(_ROUNDS):
        likely = np.log(shares) + visits @ np.log(days).T
        likely = np.exp(likely - likely.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        shares = (likely.sum(axis=0) + 1.0) / (len(visits) + count)
        days = likely.T @ visits @ spread + _HELD * all_of_them
        days /= days.sum(axis=1, keepdims=True)
    return days, shares


def choose(learn: Habits, events_per_visit: float) -> tuple[int, float]:
    """Return how many cohorts, and which strength of the prior, say best what these people did later.

    Of numbers of cohorts that are about as good the smallest is taken.
    """
    back = learn.came_back
    found = {count: _best_strength(learn, back, count, events_per_visit) for count in COHORTS}
    best = min(loss for loss, _ in found.values())
    count = next(each for each in COHORTS if found[each][0] <= best * (1.0 + CLEARLY))
    return count, found[count][1]


def _best_strength(learn: Habits, back: Habits, count: int, events_per_visit: float) -> tuple[float, float]:
    """Return the least log-loss there is with so many cohorts, and the strength that has it."""
    days, shares = cohorts(learn.histories, count, events_per_visit)
    tried = [assembled(days, shares, each * events_per_visit, events_per_visit, {}) for each in STRENGTHS]
    return min((float(losses(each.predict(back.histories), back.later).mean()), each.strength) for each in tried)


def fit(
    histories: Floats, count: int, strength: float, events_per_visit: float, lineage: dict[str, Any]
) -> SendHourModel:
    """Return the profile of these people, whose strength and number of cohorts were chosen before."""
    days, shares = cohorts(histories, count, events_per_visit)
    return assembled(days, shares, strength, events_per_visit, lineage)


def assembled(
    days: Floats, shares: Floats, strength: float, events_per_visit: float, lineage: dict[str, Any]
) -> SendHourModel:
    """Return a model of these numbers."""
    return SendHourModel(REGISTERED, "", days, shares, strength, events_per_visit, SIGMA_H, lineage)
