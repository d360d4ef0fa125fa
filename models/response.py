"""How likely a person answers to a message at each hour of their day, learned from sends at different hours.

The log-odds are a sum: of how much the person is there at the hour, and of how often people of their cohorts answered
then. Trees may move it where they were better on what nobody had learned from. Which messages the person answered is
not asked: nearly all go out at the same hours, and the few others tell little of one person (`docs/send-hour.md`).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from models.circle import HOURS
from models.forest import Forest

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FEATURES: Final = ("activity", "activity_beside", "activity_to_best", "sum", "hour_sin", "hour_cos")
"""What trees look at, of a person and an hour; `sum` are the log-odds that they move."""
DIRECTIONS: Final = (1, 0, 1, 0, 0, 0)
"""Of each: whether more of it may only make an answer likelier."""
LEAST_SENDS: Final = 20.0
"""Of an hour around which fewer messages went out nothing is known."""
_ANGLES: Final = 2.0 * np.pi * np.arange(HOURS) / HOURS


class NotSound(ValueError):
    """These trees do not look at what they are shown here, or lead in circles."""


@dataclass(frozen=True, eq=False)
class Response:
    """What was learned from sends.

    Attributes:
        ratios: Answers for each send, of each cohort at each hour, of shape (k, 24), within (0, 1).
        sent: How many messages went out around each hour, of shape (24,).
        weights: What is added, what the logarithm of the activity counts, and what the log-odds of the ratio.
        text: Trees that move the sum, as LightGBM writes them; empty for none.
    """

    ratios: Floats
    sent: Floats
    weights: tuple[float, float, float]
    text: str = ""

    @cached_property
    def forest(self) -> Forest | None:
        """The trees, if there are any.

        Raises:
            NotSound: They cannot be walked safely.
            NotWalkable: The text is no model, or one of another kind.
        """
        if not self.text:
            return None
        found = Forest.read(self.text, np.arange(len(FEATURES), dtype=np.intp))
        nodes, own = len(found.feature), np.arange(len(found.feature))
        if any(len(each) != nodes for each in (found.threshold, found.left, found.right, found.decision)):
            raise NotSound(NotSound.__doc__)
        # Grown by splitting leaves, a tree's nodes come after their parents; then every walk ends.
        for children in (found.left, found.right):
            inner = children >= 0
            if (children >= nodes).any() or (children < -len(found.leaf)).any() or (children <= own)[inner].any():
                raise NotSound(NotSound.__doc__)
        return found

    @cached_property
    def known(self) -> Bools:
        """Of which hours enough is known, of shape (24,)."""
        found: Bools = self.sent >= LEAST_SENDS
        return found

    def chances(self, activity: Floats, members: Floats) -> Floats:
        """Return how likely an answer is at each hour, of shape (n, 24).

        An hour around which too little was sent is taken to be no better than the person's worst of the others.

        Args:
            activity: How likely each person is there at each hour, of shape (n, 24), rows that sum to one.
            members: How likely they are of each cohort, of shape (n, k), rows that sum to one.
        """
        out = self.log_odds(activity, members)
        if self.forest is not None:
            out += self.forest.log_odds(shown(activity, out)).reshape(-1, HOURS)
        _answer(out, self.known)
        return out

    def log_odds(self, activity: Floats, members: Floats) -> Floats:
        """Return the sum, of shape (n, 24), without what trees make of it; the arguments are those of `chances`."""
        out = np.empty((len(activity), HOURS))
        _add(np.ascontiguousarray(activity), np.ascontiguousarray(members), self.ratios, np.array(self.weights), out)
        return out


def shown(activity: Floats, start: Floats) -> Floats:
    """Return what trees look at, of shape (n * 24, features), of activity and log-odds of shape (n, 24) each."""
    beside = (np.roll(activity, 1, axis=1) + np.roll(activity, -1, axis=1)) / 2.0
    to_best = activity / activity.max(axis=1, keepdims=True)
    hours = (np.broadcast_to(each, activity.shape) for each in (np.sin(_ANGLES), np.cos(_ANGLES)))
    found: Floats = np.stack([activity, beside, to_best, start, *hours], axis=2).reshape(-1, len(FEATURES))
    return found


@njit(cache=True, nogil=True)
def _add(activity: Floats, members: Floats, ratios: Floats, weights: Floats, out: Floats) -> None:
    for person in range(activity.shape[0]):
        for hour in range(HOURS):
            ratio = 0.0
            for k in range(members.shape[1]):
                ratio += members[person, k] * ratios[k, hour]
            there, answer = math.log(HOURS * activity[person, hour]), math.log(ratio / (1.0 - ratio))
            out[person, hour] = weights[0] + weights[1] * there + weights[2] * answer


@njit(cache=True, nogil=True)
def _answer(log_odds: Floats, known: Bools) -> None:
    """Make chances of log-odds, in place."""
    for person in range(log_odds.shape[0]):
        worst = 1.0
        for hour in range(HOURS):
            log_odds[person, hour] = 1.0 / (1.0 + math.exp(-log_odds[person, hour]))
            if known[hour]:
                worst = min(worst, log_odds[person, hour])
        for hour in range(HOURS):
            if not known[hour]:
                log_odds[person, hour] = min(worst, log_odds[person, hour])
