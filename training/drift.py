"""How far values have moved: features with the calendar, and what is served from what was learned from."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from training.status import Status

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LARGE = 0.25
"""A population stability index above this is a large change (the usual convention)."""
BINS = 10
LEAST_SHARE = 1e-4
SURE = 0.99
"""How sure it must be that a change is none of chance."""


class Shift(NamedTuple):
    """How far values are from those before.

    Attributes:
        psi: The population stability index.
        bound: What equal distributions stay below in 99 of 100 cases, with so many rows.
    """

    psi: float
    bound: float

    @property
    def status(self) -> Status:
        """Say whether it is a change."""
        if self.psi <= self.bound:
            return Status.OK
        return Status.LARGE if self.psi > LARGE else Status.CHANGED


def stability_index(before: Floats, after: Floats) -> float:
    """Return the population stability index of one feature, 0 for equal distributions; NaN is a bin of its own.

    Args:
        before: Values of shape (n,), whose deciles make the bins.
        after: Values of shape (m,).
    """
    edges = bin_edges(before)
    return index_of(binned(before, edges), binned(after, edges))


def shift(before: Floats, after: Floats, before_worth: float, after_worth: float) -> Shift:
    """Return how far the counts of bins are from those before, and how far chance alone takes them.

    The index of equal distributions is chi-squared with one degree of freedom less than there are bins, times
    (1/n + 1/m) (Yurdakul and Naranjo 2020, "Statistical properties of the population stability index").

    Args:
        before: Counts or shares of the bins.
        after: Likewise.
        before_worth: How many independent rows `before` is worth.
        after_worth: How many `after` is worth.
    """
    used = int(np.count_nonzero((before > 0) | (after > 0)))
    quantile = 2.0 * float(gammaincinv((used - 1) / 2.0, SURE)) if used > 1 else 0.0
    return Shift(index_of(before, after), quantile * (1.0 / before_worth + 1.0 / after_worth))


def index_of(before: Floats, after: Floats) -> float:
    """Return the sum of (p − q) ln(p / q) over the bins, of the shares that these counts are."""
    p, q = (np.maximum(each / max(float(each.sum()), 1e-300), LEAST_SHARE) for each in (before, after))
    return float(np.sum((p - q) * np.log(p / q)))


def bin_edges(values: Floats) -> Floats:
    """Return the deciles of the values that are known, ascending, each once; one edge at least."""
    return np.unique(_deciles(values))


def edges_around_heaps(values: Floats) -> Floats:
    """Return the deciles, and what follows each value that several of them share.

    So a heap, such as the zeros of what rarely happens, is a bin of its own, and the little beside it another one.
    """
    deciles = _deciles(values)
    return np.unique(np.append(deciles, np.nextafter(deciles[1:][np.diff(deciles) == 0], np.inf)))


def _deciles(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    return np.asarray(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if known.size else np.array([0.0])


def binned(values: Floats, edges: Floats, weight: Floats | None = None) -> Floats:
    """Return how many values are in each bin, NaN in the last one; a value that equals an edge is above it."""
    missing = np.isnan(values)
    place = np.where(missing, edges.size + 1, np.searchsorted(edges, np.where(missing, 0.0, values), side="right"))
    return np.bincount(place, weights=weight, minlength=edges.size + 2).astype(np.float64)


def worth(person: Ints, weight: Floats | None = None) -> float:
    """Return how many independent rows these are worth, if those of one person all say the same (Kish 1965)."""
    if not person.size:
        return 0.0
    each = np.bincount(np.unique(person, return_inverse=True)[1], weights=weight)
    return float(each.sum() ** 2 / (each**2).sum())


def drifting(rows: Floats, names: tuple[str, ...]) -> dict[str, float]:
    """Return the features, with their index, that differ largely between the first and the last third of `rows`.

    Args:
        rows: Of shape (n, features), in order of time.
        names: One a column.
    """
    third = len(rows) // 3
    found = {name: stability_index(rows[:third, i], rows[-third:, i]) for i, name in enumerate(names)} if third else {}
    return {name: index for name, index in found.items() if index > LARGE}
