"""A model of send hours: when a person is there, and when they answer, by what they did at which hour of their day.

An empirical Bayes chain (person, cohort, everybody): what a person did is spread over the neighbouring hours and added
to `strength` events of a cohort, which is how people whose hours are like theirs spend their day. With nothing known of
somebody the cohorts mix in their shares, and that is everybody. Where it was learned from sends when people answer
(`models.response`), that is the score, told from the same profile.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.circle import HOURS, kernel
from models.days import Bools, given_the_day
from models.forest import Forest
from models.hour_trees import read_trees, shown
from models.profile import judge, weigh
from models.response import Response

Floats = npt.NDArray[np.float64]

SIGMA_H: Final = 1.5
"""How far what happened in one hour speaks for its neighbours."""


class SendHour(NamedTuple):
    """What is known of one person's hours.

    Attributes:
        scores: How likely each hour of their day is the one at which they are there, summing to one on a day of one
            kind; where it was learned from sends, how likely they answer within a day to a message sent then; of
            shape (24,).
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
        by_day: What part of its share on any day each hour has on working days, and on weekends, of shape (2, 24), all
            above zero; None where all days are alike.
        text: Trees that move the profile, as LightGBM writes them; empty for none.
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
    by_day: Floats | None = None
    text: str = ""

    @cached_property
    def _tables(self) -> tuple[Floats, Floats, Floats, Floats]:
        cohorts = np.array(self.cohorts)
        return kernel(self.sigma_h), cohorts, np.log(cohorts), np.log(self.shares)

    @cached_property
    def forest(self) -> Forest | None:
        """The trees that move the profile, if there are any (`NotSound`, `NotWalkable`: see `read_trees`)."""
        return read_trees(self.text)

    @property
    def everybody(self) -> Floats:
        """How everybody together spends the day: 24 shares."""
        return self.shares @ self.cohorts

    @property
    def learned_from(self) -> str:
        """`sends` where the scores say when people answer, `activity` where they say when people are there."""
        return "activity" if self.response is None else "sends"

    def everybody_on(self, *, weekend: bool) -> Floats:
        """How everybody together spends a day of one kind: 24 shares."""
        found = self.everybody
        return found if self.by_day is None else given_the_day(found[None, :], self.by_day, np.array(weekend))[0]

    def predict(self, counts: Floats) -> Floats:
        """Return when people are there, of shape (n, 24), rows that sum to one.

        `counts`, of shape (n, 24), is what they did in each hour of their day.
        """
        return self.profiles(counts)[0]

    def profiles(self, counts: Floats, weekend: Bools | None = None) -> tuple[Floats, Floats]:
        """Return when people are there, of shape (n, 24), and how likely they are of each cohort, of shape (n, k).

        `weekend` says on which kind of day each hour lies, in a shape that broadcasts to (n, 24); None: on any.
        """
        found, members, total = self._weighed(counts, weekend)
        return found / total, members

    def weights(self, counts: Floats) -> Floats:
        """Return what speaks for each hour in events, own ones and the cohort's, of shape (n, 24)."""
        return self._weighed(counts, None)[0]

    def answers(self, counts: Floats) -> Floats:
        """Return how likely people answer to a message at each hour, of shape (n, 24).

        Raises:
            ValueError: That was never learned.
        """
        if self.response is None:
            raise ValueError(f"{self.name} {self.version} learned from activity, and not from sends")
        return self.response.chances(*self.profiles(counts))

    def scores(self, counts: Floats, weekend: Bools | None = None) -> Floats:
        """Return how good each hour is, of shape (n, 24): when people answer if that was learned, else are there."""
        there, members = self.profiles(counts, weekend)
        return there if self.response is None else self.response.chances(there, members)

    def describe(self, counts: Floats, weekend: Bools | None = None) -> list[SendHour]:
        """Return what is known of the hours of people with these histories, of shape (n, 24).

        A profile of answers is believed as much as one of activity is that as many events speak for. `weekend` as in
        `profiles`.
        """
        counts = np.ascontiguousarray(counts)
        weights, members, total = self._weighed(counts, weekend)
        scores = weights
        if self.response is not None:
            scores = self.response.chances(weights / total, members)
            weights = scores * (total / scores.sum(axis=1, keepdims=True))
        facts = np.empty((len(weights), 3))
        judge(weights, counts, self.strength, self.events_per_visit, facts)
        return [
            SendHour(row, int(best), confidence, personal)
            for row, (best, confidence, personal) in zip(scores, facts.tolist(), strict=True)
        ]

    def shown(self, counts: Floats, there: Floats) -> Floats:
        """Return what trees that move the profile look at, of shape (n * 24, features): how personal it is, too."""
        own = counts.sum(axis=1, keepdims=True)
        return shown(there, np.broadcast_to(own / (own + self.strength), there.shape))

    def _weighed(self, counts: Floats, weekend: Bools | None) -> tuple[Floats, Floats, Floats]:
        """Return what speaks for each hour, how likely each cohort is, and what speaks for all hours of any day."""
        tables = self._tables
        out, members = np.empty((len(counts), HOURS)), np.empty((len(counts), tables[-1].size))
        weigh(np.ascontiguousarray(counts), *tables, self.strength, self.events_per_visit, out, members)
        total = out.sum(axis=1, keepdims=True)
        if self.forest is not None:
            moved = out * np.exp(self.forest.log_odds(self.shown(counts, out / total))).reshape(-1, HOURS)
            out = moved * (total / moved.sum(axis=1, keepdims=True))
        if self.by_day is not None and weekend is not None:
            out = given_the_day(out, self.by_day, weekend)
        return out, members, total
