"""A shop in which nothing changes, retrained every week: how far whoever is in service drifts from the first one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np

from features.moments import DAY_US
from training.fit import Rows
from training.folds import contested
from training.gate import decide
from training.learning import Learned, learn
from training.windows import Windows, microseconds, split
from verification.bars import Bar
from verification.shoppers import FEATURES, NAMES, Floats, Ints, moments, people, several_each

WEEK_US: Final = 7 * DAY_US
HORIZON = timedelta(days=1)
WEEKS, KEPT_WEEKS = 20, 5
"""How often a shop is retrained after the first time, and how much of its log it keeps: as much for the last model as
for the first, so that none is better for having seen more."""
PEOPLE, A_WEEK = 2_500, 4_500
"""Enough rows a week for the gate to say something of each challenger; else fewer are let through."""
FRESH_PEOPLE, FRESH = 30_000, 100_000
"""Whom the truth is taken of: nobody whom a model was learned from."""
DRIFT = 0.01
"""How far above the first champion's the true log-loss may be, as a share of it."""


class Week(NamedTuple):
    """What one retraining came to.

    Attributes:
        promoted: Whether the challenger went into service.
        challenger: Its true log-loss, as a share of the first champion's, less one.
        champion: The same of who is in service from then on.
    """

    promoted: bool
    challenger: float
    champion: float


def lived(seed: int, *, weeks: int = WEEKS, a_week: int = A_WEEK) -> list[Week]:
    """Return what each week of one shop came to."""
    random = np.random.default_rng(seed)
    rows = _log(random, KEPT_WEEKS + weeks, a_week)
    fresh = several_each(FRESH_PEOPLE, FRESH / FRESH_PEOPLE, FRESH, random)
    since = KEPT_WEEKS * WEEK_US
    champion = _learned(*_known(rows, since))
    first = present = fresh.loss(_log_odds(champion, fresh.features))
    found = []
    for week in range(1, weeks + 1):
        end = (KEPT_WEEKS + week) * WEEK_US
        known, windows = _known(rows, end)
        challenger = _learned(known, windows)
        judged = contested(known, challenger, windows, NAMES, since)
        verdict = decide(judged.beside(_chances(champion, judged.rows.features)), same_features=True)
        loss = fresh.loss(_log_odds(challenger, fresh.features))
        if verdict.promoted:
            champion, since, present = challenger, end, loss
        found.append(Week(verdict.promoted, loss / first - 1, present / first - 1))
    return found


def _log(random: np.random.Generator, weeks: int, a_week: int) -> Rows:
    """Return the rows of a shop in order of time: the same people, and what passes drawn anew each time."""
    count = weeks * a_week
    at: Ints = np.sort(random.integers(0, weeks * WEEK_US, count))
    asked = moments(people(PEOPLE, random), random.integers(0, PEOPLE, count), random)
    return asked.rows(random, at)


def _known(rows: Rows, end_us: int) -> tuple[Rows, Windows]:
    """Return what is kept of a log at a moment and has matured, and its windows."""
    start = end_us - KEPT_WEEKS * WEEK_US
    return rows.where((rows.at >= start) & (rows.at <= end_us - microseconds(HORIZON))), split(start, end_us, HORIZON)


def _learned(known: Rows, windows: Windows) -> Learned:
    return learn(known, windows, np.zeros(len(known), np.int64), FEATURES)


def _chances(model: Learned, features: Floats) -> Floats:
    """Return what a model in service says of these features."""
    asked = features[:, [NAMES.index(each) for each in model.features]]
    return model.calibrator(np.asarray(model.booster.predict(asked, raw_score=True, num_threads=1)))


def _log_odds(model: Learned, features: Floats) -> Floats:
    said = _chances(model, features)
    return np.asarray(np.log(said) - np.log1p(-said))


def drift(found: Sequence[Week]) -> float:
    """Return how far above the first champion's the true log-loss of whoever was in service ever was."""
    return max(each.champion for each in found)


def bar(shops: Sequence[Sequence[Week]]) -> Bar:
    """Return the promise, week by week: not one of them may be worse."""
    weeks = [each for shop in shops for each in shop]
    near = sum(each.champion <= DRIFT for each in weeks)
    return Bar(
        "20 weekly retrainings: true log-loss at most 1 % above the first champion's", near, len(weeks), 1.0, "least"
    )
