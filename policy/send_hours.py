"""How good each hour of a person's day is for a message: what a model says of the person, or, without one, the prior.

The prior is the last link of the chain person, cohort, everybody, ten o'clock. Its numbers are made up in the likeness
of what senders of marketing mail report (little at night, most in the late morning, a lower second peak after work),
measured on nobody; only their order matters. 10:00 is the highest.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from models.days import is_weekend

PRIOR: Final = (
    *(0.10, 0.06, 0.04, 0.03, 0.04, 0.10),
    *(0.25, 0.45, 0.70, 0.90, 1.00, 0.95),
    *(0.85, 0.80, 0.75, 0.70, 0.68, 0.72),
    *(0.78, 0.82, 0.80, 0.65, 0.40, 0.20),
)
"""How good each hour of the person's own day is, from midnight on, relative to the best one."""

PRIOR_CONFIDENCE: Final = 0.0
"""How sure the prior is of anybody's best hour, from 0 to 1: not at all, since it knows nothing of the person."""


OnDays = tuple[Sequence[float], Sequence[float]]
"""Of each hour on working days, and on Saturdays and Sundays."""


class Hours(NamedTuple):
    """How good the hours of somebody's day are.

    Attributes:
        scores: Of each hour from midnight on, on any day; only their order matters.
        confidence: How sure the best of them is, from 0 to 1.
        in_utc: Whether they are hours in UTC, since nobody told where the person lives; else those of the person's day.
        of_all: Of each hour of everybody's day together; None where the scores are that already.
        on_days: The scores by kind of day; None where all days are alike.
        of_all_on_days: The same of everybody together.
    """

    scores: Sequence[float]
    confidence: float
    in_utc: bool = False
    of_all: Sequence[float] | None = None
    on_days: OnDays | None = None
    of_all_on_days: OnDays | None = None

    def at(self, shown: datetime) -> float:
        """Return how good the moment is at which a clock there shows this."""
        scores = self.scores if self.on_days is None else self.on_days[is_weekend(shown)]
        return scores[shown.hour]

    def of_everybody(self) -> "Hours":
        """Return how good the hours of everybody's day are, whatever is known of this person."""
        if self.of_all is None:
            return self
        return self._replace(scores=self.of_all, on_days=self.of_all_on_days, confidence=PRIOR_CONFIDENCE)


PRIOR_HOURS: Final = Hours(PRIOR, PRIOR_CONFIDENCE)


def prior_hours() -> Hours:
    """Return the hours of somebody of whom no model says anything."""
    return PRIOR_HOURS
