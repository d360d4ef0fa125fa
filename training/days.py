"""How everybody's hours differ on weekends: learned from what came first, kept where that tells later days better."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from models.circle import HOURS
from models.days import KINDS, given_the_day
from training.evaluate import upper_bound
from training.habits import Habits
from training.log import Floats
from training.send_hour_fit import MOST_OF_ONE
from training.send_hour_judge import HoursJudged, judge, losses

LEAST: Final = 1_000
"""Hours of the calendar in which somebody was there, on each kind of day; of fewer nothing is learned."""
LEAST_JUDGED: Final = 300
_HELD: Final = 200.0
"""Such hours of any day that each kind of day has besides its own; so a rare hour is drawn to what it is on any."""


@dataclass(frozen=True)
class DaysChosen:
    """Whether hours are told by the kind of day.

    Attributes:
        reason: Why, or why not.
        by_day: What was learned to judge by, of shape (2, 24); None where days stay alike.
        alike: How good the hours of any day were for later days, each by its kind; None where nothing was learned.
        told_apart: The same of hours by the kind of day.
    """

    reason: str
    by_day: Floats | None = None
    alike: HoursJudged | None = None
    told_apart: HoursJudged | None = None

    @property
    def figures(self) -> dict[str, Any]:
        """What the summary says."""
        judged = {
            name: None if each is None else asdict(each)
            for name, each in (("alike", self.alike), ("told_apart", self.told_apart))
        }
        return {"chosen": self.by_day is not None, "reason": self.reason, **judged}


def by_day(before: Floats) -> Floats:
    """Return what part of its share on any day each hour has on either kind of day, of shape (2, 24), all above zero.

    `before`, of shape (n, 2, 24), is in how many hours each person was active; of one person not too many count.
    """
    active = before.sum(axis=(1, 2))
    kinds = np.tensordot(np.minimum(1.0, MOST_OF_ONE / np.maximum(active, 1.0)), before, axes=1)
    any_day = kinds.sum(axis=0) + 1.0 / HOURS
    any_day /= any_day.sum()
    shares = (kinds + _HELD * any_day) / (kinds.sum(axis=1, keepdims=True) + _HELD)
    found: Floats = shares / any_day
    return found


def on_both(scores: Floats, factors: Floats) -> Floats:
    """Return scores of shape (n, 24) as they are on either kind of day, of shape (n, 2, 24)."""
    return np.stack([given_the_day(scores, factors, np.array(bool(each))) for each in range(KINDS)], axis=1)


def alike(scores: Floats) -> Floats:
    """Return scores of shape (n, 24) as if either kind of day were any, of shape (n, 2, 24)."""
    return np.stack([scores] * KINDS, axis=1)


def choose(scores: Floats, before: Floats, people: Habits) -> DaysChosen:
    """Return whether hours are to be told by the kind of day: where it is surely (95 %, by person) better.

    Args:
        scores: Of any day, of the people judged by, of shape (n, 24).
        before: What everybody did before, of shape (m, 2, 24).
        people: Those who are judged by, and what they did later.
    """
    for active, least, what_for in ((before, LEAST, "learn from"), (people.after, LEAST_JUDGED, "judge by")):
        found = int(active.sum(axis=(0, 2)).min())
        if found < least:
            why = f"{found:,} hours of activity on one kind of day to {what_for}, and {least:,} are needed"
            return DaysChosen(f"every day alike: {why}")
    factors = by_day(before)
    same, apart = alike(scores), on_both(scores, factors)
    one, other = losses(apart, people.after), losses(same, people.after)
    worst = upper_bound(one - other, people.user)
    better = worst < 0.0
    words = f"log-loss given the day {one.mean():.4f} against {other.mean():.4f}, {worst:+.4f} at worst"
    reason = f"by kind of day: surely better, {words}" if better else f"every day alike: not surely better, {words}"
    return DaysChosen(reason, factors if better else None, judge(same, people.after), judge(apart, people.after))
