"""Features that have moved with the calendar: a model that splits on them judges tomorrow by a place it never saw."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGE = 0.25
"""A population stability index above this is a large change (the usual convention)."""
BINS = 10
LEAST_SHARE = 1e-4


def stability_index(before: Floats, after: Floats) -> float:
    """Return the population stability index of one feature, 0 for equal distributions; NaN is a bin of its own.

    Args:
        before: Values of shape (n,), whose deciles make the bins.
        after: Values of shape (m,).
    """
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if known.size else np.array([0.0])
    p, q = _shares(before, edges), _shares(after, edges)
    return float(np.sum((p - q) * np.log(p / q)))


def drifting(rows: Floats, names: tuple[str, ...]) -> dict[str, float]:
    """Return the features, with their index, that differ largely between the first and the last third of `rows`.

    Args:
        rows: Of shape (n, features), in order of time.
        names: One a column.
    """
    third = len(rows) // 3
    found = {name: stability_index(rows[:third, i], rows[-third:, i]) for i, name in enumerate(names)} if third else {}
    return {name: index for name, index in found.items() if index > LARGE}


def _shares(values: Floats, edges: Floats) -> Floats:
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=edges.size + 1)
    shares = np.append(counts, values.size - known.size) / max(values.size, 1)
    return np.maximum(shares, LEAST_SHARE)
