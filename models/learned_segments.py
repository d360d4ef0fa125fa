"""Learned segments: in which of them a feature row is, by cut-offs of orders and by the nearest centre of behaviour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.layout import Floats

Ints = npt.NDArray[np.intp]

RFM, CLUSTERS = "rfm", "clusters"
NEVER_BOUGHT: Final = "never-bought"
SCORES: Final = 5
"""Recency, frequency and monetary value are scored from 1 to 5 each, by fifths of all buyers (Hughes 1994)."""
GRID: Final = (
    ("hibernating", "hibernating", "at-risk", "at-risk", "cannot-lose"),
    ("hibernating", "hibernating", "at-risk", "at-risk", "cannot-lose"),
    ("about-to-sleep", "about-to-sleep", "need-attention", "loyal", "loyal"),
    ("promising", "potential-loyalists", "potential-loyalists", "loyal", "loyal"),
    ("new", "potential-loyalists", "potential-loyalists", "champions", "champions"),
)
"""By score of recency, then by the mean of frequency and monetary value: the grid that marketers know; see ADR 0033."""
RFM_NAMES: Final = (NEVER_BOUGHT, *sorted({name for row in GRID for name in row}))
RFM_FEATURES: Final = ("order_age_d", "orders", "revenue")
FURTHEST: Final = 3.0
"""Standard deviations beyond which nobody counts as further away, so that a few do not make a segment of their own."""


@dataclass(frozen=True)
class RfmCuts:
    """What parts the fifths of those who bought, ascending, of shape (4,) each.

    Attributes:
        recency_d: Days since the last order.
        orders: How many.
        revenue: In the shop's currency.
    """

    recency_d: Floats
    orders: Floats
    revenue: Floats

    def names(self, rows: Floats) -> list[str]:
        """Return the segment of each row of `RFM_FEATURES`, of shape (n, 3); whoever has no order never bought."""
        age, orders, revenue = rows.T
        # Of equal values none is scored higher than another; without an answer the last order is longest ago.
        recency = SCORES - np.searchsorted(self.recency_d, np.where(np.isnan(age), np.inf, age), side="left")
        frequency = 1 + np.searchsorted(self.orders, orders, side="left")
        value = 1 + np.searchsorted(self.revenue, revenue, side="left")
        both = (frequency + value + 1) // 2
        grid = zip((orders > 0).tolist(), recency.tolist(), both.tolist(), strict=True)
        return [GRID[r - 1][fm - 1] if bought else NEVER_BOUGHT for bought, r, fm in grid]


@dataclass(frozen=True)
class Centres:
    """The centres of behaviour, in standard deviations from the mean of everybody.

    Attributes:
        features: Names in the catalogue, d of them.
        mean: Of log(1 + value), of shape (d,).
        spread: Its standard deviation, above zero, of shape (d,).
        centres: Of shape (k, d).
        names: By centre.
    """

    features: tuple[str, ...]
    mean: Floats
    spread: Floats
    centres: Floats
    names: tuple[str, ...]

    def nearest(self, rows: Floats) -> Ints:
        """Return which centre each row of `features`, of shape (n, d), is nearest to; the first of equally near."""
        apart = self.centres - standardised(rows, self.mean, self.spread)[:, np.newaxis, :]
        found: Ints = np.argmin((apart * apart).sum(axis=2), axis=1)
        return found


@dataclass(frozen=True)
class LearnedSegments:
    """What is in service: cut-offs, centres, or both; None where nothing could be learned.

    Attributes:
        version: As registered.
        rfm: Cut-offs of orders.
        clusters: Centres of behaviour.
        columns: Where in a feature row the features of each of the two are.
        lineage: Where it comes from.
    """

    version: str
    rfm: RfmCuts | None
    clusters: Centres | None
    columns: Mapping[str, list[int]]
    lineage: dict[str, Any] = field(default_factory=dict)

    def of(self, row: Floats, family: str) -> str | None:
        """Return the segment of a feature row, of shape (n_features,), in one family; None where none was learned."""
        found = self.of_rows(row[np.newaxis], family)
        return None if found is None else found[0]

    def all_of(self, row: Floats) -> dict[str, str]:
        """Return the segments of a feature row by family."""
        return {family: name for family in (RFM, CLUSTERS) if (name := self.of(row, family)) is not None}

    def of_rows(self, rows: Floats, family: str) -> list[str] | None:
        """Return the segment of each feature row, of shape (n, n_features), in one family."""
        if family == RFM and self.rfm is not None:
            return self.rfm.names(rows[:, self.columns[RFM]])
        if family == CLUSTERS and self.clusters is not None:
            names = self.clusters.names
            return [names[i] for i in self.clusters.nearest(rows[:, self.columns[CLUSTERS]]).tolist()]
        return None

    @property
    def families(self) -> dict[str, tuple[str, ...]]:
        """The names of the segments that somebody may be in, by family."""
        found = {} if self.rfm is None else {RFM: RFM_NAMES}
        return found if self.clusters is None else {**found, CLUSTERS: self.clusters.names}

    def missing(self, named: Iterable[str]) -> list[str]:
        """Return which of these, such as `clusters/few-visits`, nobody can be in by this model, in order."""
        known = {f"{family}/{name}" for family, names in self.families.items() for name in names}
        return sorted(set(named) - known)


def standardised(rows: Floats, mean: Floats, spread: Floats) -> Floats:
    """Return log(1 + value) in standard deviations from the mean, at most `FURTHEST`; no answer counts as 0."""
    logs = logarithms(rows)
    found: Floats = np.clip((logs - mean) / spread, -FURTHEST, FURTHEST)
    return found


def logarithms(rows: Floats) -> Floats:
    """Return log(1 + value), where no answer and what is below zero count as 0."""
    return np.log1p(np.where(rows > 0.0, rows, 0.0))
