"""A model of intent: the probability of an order within its horizon, for rows of the catalogue's features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.booster import Booster
from models.calibration import Calibrator
from models.forest import Forest

Floats = npt.NDArray[np.float64]


class Contribution(NamedTuple):
    """How much one feature moved one score."""

    feature: str
    value: float
    """NaN where the feature has no answer."""
    contribution: float
    """In log-odds, before calibration (Lundberg and Lee 2017)."""


@dataclass(frozen=True, eq=False)
class IntentModel:
    """A booster, the columns it reads and its calibrator. Not for use from two threads at once.

    Attributes:
        name: As registered, such as ``opportune-intent-24h``.
        version: As registered, such as ``3``; empty before that.
        horizon: Such as ``24h``.
        features: What it asks for, in its own order.
        lineage: Where it comes from.
        forest: Its trees for faster walking, where that gives the same bits; else the library predicts.
        deciles: The nine probabilities that part what it was tested on into tenths, ascending; empty if not known.
    """

    name: str
    version: str
    horizon: str
    features: tuple[str, ...]
    booster: Booster
    calibrator: Calibrator
    columns: npt.NDArray[np.intp]
    lineage: dict[str, Any]
    forest: Forest | None = None
    deciles: tuple[float, ...] = ()
    calibrated = True

    def predict(self, rows: Floats) -> Floats:
        """Return the probabilities, of shape (n,), for rows of shape (n, features of the catalogue), in one call."""
        return self.calibrator(self.log_odds(rows))

    def log_odds(self, rows: Floats) -> Floats:
        """Return the raw log-odds, of shape (n,), for rows of shape (n, features of the catalogue)."""
        if self.forest is not None:
            return self.forest.log_odds(rows)
        return self.booster.log_odds(rows[:, self.columns])

    def contributions(self, row: Floats) -> list[Contribution]:
        """Return what moved the score of one row, of shape (features of the catalogue,), the strongest first.

        About a millisecond, so only on request.
        """
        asked = row[self.columns]
        return ranked(self.features, asked, self.booster.contributions(asked.reshape(1, -1))[0, :-1])


def ranked(features: Sequence[str], values: Floats, contributions: Floats) -> list[Contribution]:
    """Return the contributions, the strongest first and equal ones in the order of the features."""
    order = np.argsort(-np.abs(contributions), kind="stable")
    return [Contribution(features[i], float(values[i]), float(contributions[i])) for i in order]
