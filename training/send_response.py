"""Hours at which people answer, learned from sends: ratios of answers to sends, never counts, which echo when was sent.

For each cohort and hour the answers for each send, spread around the clock and drawn to everybody's. How much these
count, and how much the hours at which the person is there, is a logistic regression: neither may count against an hour.
Trees on top look at (person, hour), monotone in the activity. No send is weighted by its propensity. Verified against a
known truth (`docs/send-hour.md`).
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from models.circle import HOURS, kernel
from models.hour_trees import shown
from models.response import Response
from models.send_hour import SIGMA_H, SendHourModel
from training.hour_boosting import grown
from training.log import Bools, Floats, Ints

_OF_EVERYBODY: Final = 50.0
"""Sends at everybody's rate that each cohort has in each hour besides its own."""
_LEAST: Final = 1e-4
_STEPS: Final = 25
_HELD: Final = 1.0
"""How strongly both weights are drawn to nothing: as much as a standard normal prior of theirs would."""
_MOST_TREES: Final = 50
_PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 4,
    "learning_rate": 0.15,
    "min_data_in_leaf": 1000,
}


@dataclass(frozen=True)
class Sends:
    """Messages in order of time; opens and clicks of machines are no answers.

    Attributes:
        user: Whose, an index from 0, of shape (n,).
        at: When they went out, in microseconds, of shape (n,).
        hour: When, on the clock of the person, 0 to 23, of shape (n,).
        histories: What the person had done by then in each hour of their day, of shape (n, 24); see `features.habits`.
        answered: Whether the person clicked, or came back, within 24 hours, of shape (n,).
        chance: How likely this hour was to be chosen, where that is known; else NaN; of shape (n,).
        weekend: Whether it was a Saturday or Sunday there, of shape (n,).
        eligible: Which hours it was drawn from, of shape (n, 24); None where any hour could be.
    """

    user: Ints
    at: Ints
    hour: Ints
    histories: Floats
    answered: Bools
    chance: Floats
    weekend: Bools
    eligible: Bools | None = None

    def __len__(self) -> int:
        return int(self.user.size)

    def where(self, rows: "slice | Bools | Ints") -> "Sends":
        """Return some of them."""
        eligible = None if self.eligible is None else self.eligible[rows]
        return Sends(self.user[rows], self.at[rows], self.hour[rows], self.histories[rows], self.answered[rows],
                     self.chance[rows], self.weekend[rows], eligible)  # fmt: skip


def fit(sends: Sends, model: SendHourModel) -> Response:
    """Learn from sends when people answer whose hours of activity a model tells, without trees."""
    activity, members = profiles(sends, model)
    ratios, sent = cohort_ratios(sends, members)
    own = np.arange(len(sends)), sends.hour
    there, answers = np.log(HOURS * activity[own]), _log_odds((members @ ratios)[own])
    return Response(ratios, sent, _weights(there, answers, sends.answered))


def with_trees(found: Response, sends: Sends, model: SendHourModel) -> Response:
    """Let trees move what was learned from these sends: as many as tell the last of them best from those before."""
    activity, members = profiles(sends, model)
    own, start = np.arange(len(sends)), found.log_odds(activity, members)
    rows = shown(activity, start).reshape(len(sends), HOURS, -1)[own, sends.hour]
    answered = sends.answered.astype(np.float64)
    text = grown(_PARAMETERS, rows, answered, start[own, sends.hour], groups=len(sends), most=_MOST_TREES)
    return replace(found, text=text)


def profiles(sends: Sends, model: SendHourModel) -> tuple[Floats, Floats]:
    """Return when whoever was sent to is there on such a day, of shape (n, 24), and of which cohorts they are."""
    return model.profiles(sends.histories, sends.weekend[:, None])


def cohort_ratios(sends: Sends, members: Floats) -> tuple[Floats, Floats]:
    """Return answers for each send of each cohort at each hour, of shape (k, 24), and sends around each hour, (24,).

    `members` says how likely whoever was sent to is of each cohort, of shape (n, k).
    """
    around = kernel(SIGMA_H) / kernel(SIGMA_H).max()
    of_hour = np.eye(HOURS)[sends.hour]
    sent, answered = (members.T @ each @ around for each in (of_hour, of_hour * sends.answered[:, None]))
    everybody = np.clip(sends.answered.mean(), _LEAST, 1.0 - _LEAST)
    ratios: Floats = (answered + _OF_EVERYBODY * everybody) / (sent + _OF_EVERYBODY)
    return np.clip(ratios, _LEAST, 1.0 - _LEAST), sent.sum(axis=0)


def activity_only(sends: Sends, model: SendHourModel) -> Response:
    """Return what is learned of answers where only the hours of activity may tell one hour from another."""
    activity, members = profiles(sends, model)
    ratios, sent = cohort_ratios(sends, members)
    there = np.log(HOURS * activity[np.arange(len(sends)), sends.hour])
    return Response(ratios, sent, _weights(there, np.zeros(len(sends)), sends.answered))


def _weights(there: Floats, answers: Floats, answered: Bools) -> tuple[float, float, float]:
    """Return what is added and what both count, by Newton's method; whatever would count against an hour is nothing."""
    columns = np.column_stack([np.ones(there.size), there, answers])
    free = np.array([True, bool(there.any()), bool(answers.any())])
    while True:
        found = np.zeros(3)
        found[free] = _regressed(columns[:, free], answered)
        if (found[1:] >= 0.0).all():
            return float(found[0]), float(found[1]), float(found[2])
        free &= np.array([True, *(found[1:] >= 0.0)])


def _regressed(columns: Floats, answered: Bools) -> Floats:
    held = np.diag([0.0, *(_HELD for _ in range(columns.shape[1] - 1))])
    found = np.zeros(columns.shape[1])
    found[0] = _log_odds(np.clip(answered.mean(), _LEAST, 1.0 - _LEAST))
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(columns @ found)))
        slope = columns.T @ (answered - chance) - held @ found
        bend = (columns * (chance * (1.0 - chance))[:, None]).T @ columns + held
        found = found + np.linalg.solve(bend, slope)
    return found


def _log_odds(chances: Any) -> Any:
    return np.log(chances / (1.0 - chances))
