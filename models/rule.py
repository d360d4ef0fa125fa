"""The rule that scores while there is no model: how often somebody orders, and how long ago they last did."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from features.catalog import CATALOGUE
from features.layout import Catalogue
from models.horizon import duration
from models.intent import Contribution

Floats = npt.NDArray[np.float64]

RATE = "orders_hl30d"
LAST_ORDER = "order_age_d"
RELATIVE_GAP = "order_gap_relative"
HALF_LIFE_D = 30.0
PATIENCE = 3.0
"""After this many of their own mean gaps without an order, a person is slowly given up."""


@dataclass(frozen=True, eq=False)
class RecencyFrequencyRule:
    """Orders come at each person's own recent rate, as in a Poisson process, and less once they have fallen silent.

    The score is 1 − exp(−rate × horizon), where the rate a day is what a decayed count of a steady buyer settles at
    (count × ln 2 / half-life). It orders people sensibly and lies in [0, 1); it has been fitted to nothing, so it is no
    probability, and says so by `calibrated`.
    """

    horizon: str
    catalogue: Catalogue = CATALOGUE
    name: ClassVar[str] = "rule-recency-frequency"
    version: ClassVar[str] = "1"
    calibrated: ClassVar[bool] = False
    features: ClassVar[tuple[str, ...]] = (RATE, LAST_ORDER, RELATIVE_GAP)

    def predict(self, rows: Floats) -> Floats:
        """Return the scores, of shape (n,), for rows of shape (n, features of the catalogue)."""
        count, silent_d, relative = rows[:, self._columns].T
        # What is not known is nothing: fmax prefers a number to none.
        rate_per_day = np.fmax(count, 0.0) * math.log(2.0) / HALF_LIFE_D
        # Without a second order there is no gap yet; then a month counts as one.
        gaps = np.where(np.isnan(relative), np.fmax(silent_d, 0.0) / HALF_LIFE_D, relative)
        hope = np.exp2(-np.maximum(gaps - PATIENCE, 0.0))
        scores: Floats = -np.expm1(-rate_per_day * hope * self._horizon_s / 86_400.0)
        return scores

    def contributions(self, row: Floats) -> list[Contribution]:
        """Return what the rule looked at; it has no shares to give, so all of the score is the rate's."""
        score = float(self.predict(row.reshape(1, -1))[0])
        odds = math.log(max(score, 1e-12) / max(1.0 - score, 1e-12))
        found = [
            Contribution(name, float(row[column]), 0.0)
            for name, column in zip(self.features, self._columns, strict=True)
        ]
        return [found[0]._replace(contribution=odds), *found[1:]]

    @cached_property
    def _columns(self) -> list[int]:
        return [self.catalogue.names.index(name) for name in self.features]

    @cached_property
    def _horizon_s(self) -> float:
        return duration(self.horizon).total_seconds()
