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
from models.hour_trees import read_trees, shown

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEAST_SENDS: Final = 20.0
"""Of an hour around which fewer messages went out nothing is known."""


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
        return read_trees(self.text)

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
