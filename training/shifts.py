"""Which features, and whether the scores, of what was served are distributed otherwise than what was learned from."""

from typing import Final, NamedTuple

import numpy as np

from features.catalog import CATALOGUE
from models.reference import Binned, Compared, Reference
from training.drift import Shift, binned, shift, worth
from training.log import Bools, Floats
from training.occasions import NO_EVENT, Words, occasions
from training.served import Served
from training.status import Status

LEAST_ROWS: Final = 50
"""Of an occasion in the reference; fewer say little of how it is distributed."""
LEAST_WORTH: Final = 100.0
"""Independent rows below which chance alone takes an index as far as a large change."""

OF_THE_CLOCK: Final = frozenset({"hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "hour_share", "next_day_share"})
"""What tells when somebody was looked at. Whoever asks by night chose that: only after events it is people's doing."""


class Shifts(NamedTuple):
    """What has changed.

    Attributes:
        by_feature: How far each feature of the model is; empty where too few rows were served.
        scores: How far its scores are; None where it gave too few.
        rows: Served rows that were compared.
        worth: How many independent ones these are worth.
        left_out: Rows served at occasions of which too little was learned from.
    """

    by_feature: dict[str, Shift]
    scores: Shift | None
    rows: int
    worth: float
    left_out: int

    @property
    def status(self) -> Status:
        """Return the gravest of all."""
        found = [each.status for each in (*self.by_feature.values(), *([self.scores] if self.scores else []))]
        return max(found, key=lambda each: each.grade, default=Status.UNKNOWN)


def shifts(served: Served, learned: Reference, horizon: str, model: str) -> Shifts:
    """Compare what was served with what a model learned from.

    Args:
        served: Rows of a time.
        learned: Of the model.
        horizon: Of the model.
        model: Its name and version, as the ledger has them.
    """
    names = occasions(served.kind, served.features)
    scored = served.by(horizon, model)
    inside = served.kept & _known(names, learned, learned.learned)
    judged = served.kept & scored & _known(names, learned, learned.tested)
    by_feature: dict[str, Shift] = {}
    for chosen, at_events in ((inside, False), (inside & (served.kind != NO_EVENT), True)):
        own = {name: its for name, its in learned.features.items() if (name in OF_THE_CLOCK) == at_events}
        by_feature |= _of_features(served, chosen, own, names, learned)
    scores, scores_worth = None, worth(served.person[judged])
    if scores_worth >= LEAST_WORTH:
        values = served.scores[horizon][judged]
        scores = _shift(values, learned.scores, _mix(names[judged], learned), learned.tested, scores_worth)
    left_out = int((served.kept & ~inside).sum())
    return Shifts(by_feature, scores, int(inside.sum()), worth(served.person[inside]), left_out)


def _of_features(
    served: Served, chosen: Bools, features: dict[str, Binned], names: Words, learned: Reference
) -> dict[str, Shift]:
    """Compare some features of the chosen rows; nothing where these are too few."""
    after_worth = worth(served.person[chosen])
    if after_worth < LEAST_WORTH:
        return {}
    mix = _mix(names[chosen], learned)
    return {
        name: _shift(_values(served, name)[chosen], its, mix, learned.learned, after_worth)
        for name, its in features.items()
        if name in CATALOGUE.names
    }


def _known(names: Words, learned: Reference, compared: Compared) -> Bools:
    """Return which rows are of an occasion of which enough was learned from."""
    enough = [each for each, rows in zip(learned.occasions, compared.rows, strict=True) if rows >= LEAST_ROWS]
    return np.isin(names, enough)


def _mix(names: Words, learned: Reference) -> Floats:
    """Return the share of each of the reference's occasions among these rows."""
    counts = np.array([(names == each).sum() for each in learned.occasions], dtype=np.float64)
    shares: Floats = counts / counts.sum()
    return shares


def _shift(values: Floats, before: Binned, mix: Floats, compared: Compared, after_worth: float) -> Shift:
    """Compare values with what was learned from, as it would be with the same occasions."""
    counts = np.array(before.counts)
    used = mix > 0
    shares = counts[used] / counts[used].sum(axis=1, keepdims=True)
    before_worth = 1.0 / float(np.sum(mix[used] ** 2 / np.array(compared.worth)[used]))
    return shift(mix[used] @ shares, binned(values, np.array(before.edges)), before_worth, after_worth)


def _values(served: Served, name: str) -> Floats:
    values: Floats = served.features[:, CATALOGUE.names.index(name)]
    return values
