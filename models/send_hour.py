"""A model of send hours: when a person is there, and when they answer, by what they did at which hour of their day.

An empirical Bayes chain (person, cohort, everybody): what a person did is spread over the neighbouring hours and added
to `strength` events of a cohort, which is how people whose hours are like theirs spend their day. With nothing known of
somebody the cohorts mix in their shares, and that is everybody. Where it was learned from sends when people answer
(`models.response`), that is the score, told from the same profile.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from models.circle import HOURS, kernel
from models.response import Response

Floats = npt.NDArray[np.float64]

SIGMA_H: Final = 1.5
"""How far what happened in one hour speaks for its neighbours."""
BESIDE_H: Final = 3
"""Hours so near to the best one, two widths of the kernel, belong to the same peak and are no rivals of it."""


class SendHour(NamedTuple):
    """What is known of one person's hours.

    Attributes:
        scores: How likely each hour of their day is the one at which they are there, summing to one; where it was
            learned from sends, how likely they answer within a day to a message sent then; of shape (24,).
        best: The hour with the highest score.
        confidence: How surely it beats the best hour that is more than three away, from 0 (a toss-up) to 1.
        personal: What part of what is known of their hours is from their own history, from 0 to 1.
    """

    scores: Floats
    best: int
    confidence: float
    personal: float


@dataclass(frozen=True, eq=False)
class SendHourModel:
    """The shrunken circular profile.

    Attributes:
        name: As registered.
        version: As registered; empty before that.
        cohorts: How each cohort spends the day, of shape (k, 24), rows that sum to one, all above zero.
        shares: How large each cohort is, of shape (k,), summing to one.
        strength: How many events of their own weigh as much as what is known of the cohort.
        events_per_visit: How many events one visit leaves; so many count as one for the confidence.
        sigma_h: Width of the kernel in hours.
        lineage: Where it comes from.
        response: When people answer, learned from sends; None where the hours of activity have to do.
    """

    name: str
    version: str
    cohorts: Floats
    shares: Floats
    strength: float
    events_per_visit: float
    sigma_h: float
    lineage: dict[str, Any]
    response: Response | None = None

    @cached_property
    def _tables(self) -> tuple[Floats, Floats, Floats, Floats]:
        cohorts = np.array(self.cohorts)
        return kernel(self.sigma_h), cohorts, np.log(cohorts), np.log(self.shares)

    @property
    def everybody(self) -> Floats:
        """How everybody together spends the day: 24 shares."""
        return self.shares @ self.cohorts

    @property
    def learned_from(self) -> str:
        """`sends` where the scores say when people answer, `activity` where they say when people are there."""
        return "activity" if self.response is None else "sends"

    def predict(self, counts: Floats) -> Floats:
        """Return when people are there, of shape (n, 24), rows that sum to one.

        `counts`, of shape (n, 24), is what they did in each hour of their day.
        """
        return self.profiles(counts)[0]

    def profiles(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return when people are there, of shape (n, 24), and how likely they are of each cohort, of shape (n, k)."""
        found, members = self._weighed(counts)
        scores: Floats = found / found.sum(axis=1, keepdims=True)
        return scores, members

    def weights(self, counts: Floats) -> Floats:
        """Return what speaks for each hour in events, own ones and the cohort's, of shape (n, 24)."""
        return self._weighed(counts)[0]

    def answers(self, counts: Floats) -> Floats:
        """Return how likely people answer to a message at each hour, of shape (n, 24).

        Raises:
            ValueError: That was never learned.
        """
        if self.response is None:
            raise ValueError(f"{self.name} {self.version} learned from activity, and not from sends")
        return self.response.chances(*self.profiles(counts))

    def describe(self, counts: Floats) -> list[SendHour]:
        """Return what is known of the hours of people with these histories, of shape (n, 24).

        A profile of answers is believed as much as one of activity is that as many events speak for.
        """
        counts = np.ascontiguousarray(counts)
        weights, members = self._weighed(counts)
        scores = weights
        if self.response is not None:
            total = weights.sum(axis=1, keepdims=True)
            scores = self.response.chances(weights / total, members)
            weights = scores * (total / scores.sum(axis=1, keepdims=True))
        facts = np.empty((len(weights), 3))
        _judge(weights, counts, self.strength, self.events_per_visit, facts)
        return [
            SendHour(row, int(best), confidence, personal)
            for row, (best, confidence, personal) in zip(scores, facts.tolist(), strict=True)
        ]

    def _weighed(self, counts: Floats) -> tuple[Floats, Floats]:
        tables = self._tables
        out, members = np.empty((len(counts), HOURS)), np.empty((len(counts), tables[-1].size))
        _weigh(np.ascontiguousarray(counts), *tables, self.strength, self.events_per_visit, out, members)
        return out, members


@njit(cache=True, nogil=True)
def _weigh(
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
def _judge(weights: Floats, counts: Floats, strength: float, per_visit: float, facts: Floats) -> None:
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
