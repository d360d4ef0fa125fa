"""Judge hours by what people did later: each person counts once, however often they came."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from models.circle import HOURS
from training.habits import Habits
from training.log import Floats, Ints

LEAST: Final = 1e-9
TENTHS: Final = 10
BANDS: Final = ((0, 3), (4, 10), (11, 30), (31, 100), (101, None))
"""Amounts of history, in events, that are judged by themselves."""


@dataclass(frozen=True)
class HoursJudged:
    """How good an order of the 24 hours was, averaged over people; log-loss in nats over 24 hours."""

    hit_at_1: float
    hit_at_3: float
    mrr: float
    log_loss: float


def losses(scores: Floats, later: Floats) -> Floats:
    """Return each person's log-loss over the 24 hours, of shape (n,): the mean over what they did later.

    Both of shape (n, 24); of (n, 2, 24) where scores are given the kind of day.
    """
    kept = np.maximum(scores, LEAST)
    found: Floats = -_of_each(_shares(later) * np.log(kept / kept.sum(axis=-1, keepdims=True)))
    return found


def ranks(scores: Floats) -> Ints:
    """Return the place of each hour when they are tried from the best on, 0 first; of equals the earlier one first."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(HOURS), axis=-1)
    return found


def judge(scores: Floats, later: Floats) -> HoursJudged:
    """Return how good scores were for what people, each of them, did later; shapes as in `losses`."""
    shares, place = _shares(later), ranks(scores)
    return HoursJudged(
        hit_at_1=float(_of_each(shares * (place == 0)).mean()),
        hit_at_3=float(_of_each(shares * (place < 3)).mean()),
        mrr=float(_of_each(shares / (place + 1)).mean()),
        log_loss=float(losses(scores, later).mean()),
    )


def _shares(later: Floats) -> Floats:
    """Return what part each hour is of all that a person did."""
    found: Floats = later / _of_each(later).reshape(-1, *(1 for _ in later.shape[1:]))
    return found


def _of_each(values: Floats) -> Floats:
    """Return the sum of each person, of shape (n,)."""
    found: Floats = values.reshape(len(values), -1).sum(axis=1)
    return found


def calibration(scores: Floats, later: Floats) -> float:
    """Return the largest gap, in any tenth of all scores of all people, between the scores and the shares that came."""
    shares = (later / later.sum(axis=1, keepdims=True)).ravel()
    tenths = np.array_split(np.argsort(scores, axis=None, kind="stable"), TENTHS)
    return max(abs(float(scores.ravel()[each].mean() - shares[each].mean())) for each in tenths)


def baselines(learned_from: Floats, people: Habits) -> dict[str, Floats]:
    """Return the scores of simpler rules for these people: everybody's hours, their own histogram, a median hour."""
    global_hours = learned_from.sum(axis=0) + 1.0 / HOURS
    everybody = np.broadcast_to(global_hours / global_hours.sum(), people.histories.shape)
    own = people.histories.sum(axis=1, keepdims=True)
    histogram = np.where(own > 0.0, people.histories / np.maximum(own, LEAST), everybody)
    return {"global": everybody, "histogram": histogram, "median": _median(people.histories, everybody)}


def _median(histories: Floats, everybody: Floats) -> Floats:
    """Return the scores of a rule as Mautic's: send at the median of the hours at which somebody was active.

    Of no more than an order: the nearer to the median, as numbers and not on a circle, the better.
    """
    total = histories.sum(axis=1, keepdims=True)
    median = (np.cumsum(histories, axis=1) >= total / 2.0).argmax(axis=1)
    apart = np.abs(np.arange(HOURS)[None, :] - median[:, None])
    scores = np.exp2(-apart.astype(np.float64))
    found: Floats = np.where(total > 0.0, scores / scores.sum(axis=1, keepdims=True), everybody)
    return found


def by_history(rules: dict[str, Floats], people: Habits) -> list[dict[str, Any]]:
    """Return for each amount of history how many people have it, and how good each rule was for them."""
    found = []
    for least, most in BANDS:
        chosen = (people.events >= least) & (people.events <= (np.inf if most is None else most))
        if chosen.any():
            figures = {name: asdict(judge(scores[chosen], people.later[chosen])) for name, scores in rules.items()}
            found.append({"events": [least, most], "people": int(chosen.sum()), **figures})
    return found
