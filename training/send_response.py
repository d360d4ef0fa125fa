"""Hours at which people answer, learned from sends: ratios of answers to sends, never counts, which echo when was sent.

For each person and hour the answers for each send, spread around the clock and shrunken to what the cohort does then,
scaled to how much this person answers at all. A LightGBM model of (person, hour) begins with the cohort's ratio and
learns how far the person's own, and the hours of their activity, speak for another one: the more answers in the history
the better, never the worse. Histories come from before the sends that are learned from; no send is weighted by its
propensity. Verified against a known truth (`docs/send-hour.md`); nothing calls it yet, since no sends are explored.
"""

from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.circle import HOURS, kernel
from models.send_hour import SIGMA_H
from training.log import Bools, Floats, Ints

STRENGTHS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
EARLIER: Final = 0.6
"""Share of the sends, the first ones, whose answers are the histories that the later ones are told from."""
_LEAST: Final = 1e-4
_OF_EVERYBODY: Final = 50.0
"""Sends at everybody's rate that each cohort has in each hour besides its own."""
_OF_A_PERSON: Final = 2.0
"""Answers at the cohort's rate that each person has besides their own."""
_MOST_ROUNDS, _PATIENCE = 150, 20
_PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 4,
    "learning_rate": 0.05,
    "min_data_in_leaf": 1000,
    "lambda_l2": 20.0,
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "seed": 0,
}


@dataclass(frozen=True)
class Sends:
    """Messages in order of time; opens and clicks of machines are no answers.

    Attributes:
        user: Whose, an index from 0, of shape (n,).
        hour: When, on the clock of the person, 0 to 23.
        answered: Whether the person clicked, or came, within 24 hours.
    """

    user: Ints
    hour: Ints
    answered: Bools

    def __len__(self) -> int:
        return int(self.user.size)

    def part(self, rows: slice) -> "Sends":
        """Return some of them."""
        return Sends(self.user[rows], self.hour[rows], self.answered[rows])


@dataclass(frozen=True)
class Group:
    """The people that are sent to.

    Attributes:
        cohort: Of each, an index from 0, of shape (people,).
        activity: The scores of their hours by activity, of shape (people, 24); see `models.send_hour`.
    """

    cohort: Ints
    activity: Floats


@dataclass(frozen=True)
class Ratios:
    """Answers for each send, of shape (people, 24): of the person, shrunken, of their cohort, and how much is known."""

    own: Floats
    of_cohort: Floats
    sends: Floats


def ratios(sends: Sends, group: Group, strength: float) -> Ratios:
    """Return how likely people answer at each hour, told by their own sends as far as there are any.

    Args:
        sends: The histories.
        group: The people.
        strength: How many sends around an hour weigh as much as what is known of the cohort.
    """
    sent, answered = (_by_hour(sends, weights, len(group.cohort)) for weights in (None, sends.answered))
    around = kernel(SIGMA_H) / kernel(SIGMA_H).max()
    cohorts = int(group.cohort.max()) + 1
    of_each = [np.stack([each[group.cohort == k].sum(axis=0) for k in range(cohorts)]) for each in (sent, answered)]
    everybody = answered.sum() / max(1.0, sent.sum())
    by_cohort = (of_each[1] @ around + _OF_EVERYBODY * everybody) / (of_each[0] @ around + _OF_EVERYBODY)
    expected = by_cohort[group.cohort]
    level = (answered.sum(axis=1) + _OF_A_PERSON) / ((sent * expected).sum(axis=1) + _OF_A_PERSON)
    prior = expected * level[:, None]
    own = (answered @ around + strength * prior) / (sent @ around + strength)
    return Ratios(own=own, of_cohort=expected, sends=sent @ around)


def _by_hour(sends: Sends, weights: Bools | None, people: int) -> Floats:
    place = sends.user * HOURS + sends.hour
    counts = np.bincount(place, None if weights is None else weights.astype(np.float64), minlength=people * HOURS)
    return counts.reshape(people, HOURS).astype(np.float64)


def choose_strength(earlier: Sends, later: Sends, group: Group) -> float:
    """Return the strength by which the earlier sends tell best, by log-loss, who answered the later ones."""

    def loss(strength: float) -> float:
        told = np.clip(ratios(earlier, group, strength).own[later.user, later.hour], _LEAST, 1.0 - _LEAST)
        return -float(np.where(later.answered, np.log(told), np.log1p(-told)).mean())

    return min(STRENGTHS, key=loss)


@dataclass(frozen=True)
class ResponseModel:
    """What was learned: the strength of the prior, and the model of (person, hour)."""

    strength: float
    booster: lgb.Booster

    def predict(self, sends: Sends, group: Group) -> Floats:
        """Return how likely each person answers at each hour, of shape (people, 24), by all sends so far."""
        found = ratios(sends, group, self.strength)
        rows = _features(found, group)
        moved = np.asarray(self.booster.predict(rows.reshape(-1, rows.shape[2]), raw_score=True, num_threads=1))
        chances: Floats = 1.0 / (1.0 + np.exp(-(_log_odds(found.of_cohort) + moved.reshape(-1, HOURS))))
        return chances


def fit(sends: Sends, group: Group) -> ResponseModel:
    """Learn from sends in order of time: as many trees as tell the last fifth of them best from those before."""
    cut = int(EARLIER * len(sends))
    earlier, later = sends.part(slice(None, cut)), sends.part(slice(cut, None))
    strength = choose_strength(earlier, later, group)
    found = ratios(earlier, group, strength)
    rows, start = _features(found, group)[later.user, later.hour], _log_odds(found.of_cohort)[later.user, later.hour]
    directions = [1] + [0] * (rows.shape[1] - 1)
    parameters = {**_PARAMETERS, "monotone_constraints": directions}
    half = len(later) // 2
    learn, stop = (_data(rows[each], later.answered[each], start[each]) for each in (slice(half), slice(half, None)))
    early = lgb.early_stopping(_PATIENCE, verbose=False)
    tried = lgb.train(parameters, learn, _MOST_ROUNDS, valid_sets=[stop], callbacks=[early])
    whole = _data(rows, later.answered, start)
    return ResponseModel(strength, lgb.train(parameters, whole, max(1, tried.best_iteration)))


def _data(rows: Floats, answered: Bools, start: Floats) -> lgb.Dataset:
    return lgb.Dataset(rows, answered.astype(np.float64), init_score=start)


def _log_odds(chances: Floats) -> Floats:
    kept = np.clip(chances, _LEAST, 1.0 - _LEAST)
    odds: Floats = np.log(kept / (1.0 - kept))
    return odds


def _features(found: Ratios, group: Group) -> Floats:
    """Return the features of each person and hour, of shape (people, 24, features), the shrunken history first."""
    shape = found.own.shape
    angle = 2.0 * np.pi * np.arange(HOURS) / HOURS
    beside = (np.roll(group.activity, 1, axis=1) + np.roll(group.activity, -1, axis=1)) / 2.0
    columns = (
        found.own,
        found.of_cohort,
        group.activity,
        beside,
        group.activity / group.activity.max(axis=1, keepdims=True),
        np.broadcast_to(found.own.mean(axis=1, keepdims=True), shape),
        np.broadcast_to(np.sin(angle), shape),
        np.broadcast_to(np.cos(angle), shape),
    )
    return np.stack(columns, axis=2)
