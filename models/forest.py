"""The trees of a LightGBM model, walked by compiled code: the same bits as LightGBM's own call, at half its time.

The format is that of `Booster.model_to_string`; what a split does with a missing value follows `NumericalDecision` in
LightGBM's `tree.h`. Whoever loads a forest checks it against the library, which stays the judge.
"""

import logging
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numba import njit

from models.booster import Booster

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2
_ZERO = float(np.float32(1e-35))
_PARTS = ("feature", "threshold", "left", "right", "decision", "leaf")
CHECKED_ROWS = 256
_log = logging.getLogger(__name__)


class NotWalkable(ValueError):
    """This model holds something else than numerical splits of single trees: leave it to LightGBM."""


class NotSound(ValueError):
    """These trees do not look at what they are shown here, or lead in circles."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """All trees end to end; a child below zero is the complement of a leaf's number.

    Attributes:
        feature: Column that a node looks at.
        threshold: A value up to this goes left.
        left: Child.
        right: Child.
        decision: LightGBM's bits: categorical, default left, and how a missing value is told.
        leaf: Log-odds that a leaf adds.
        roots: The first node of each tree.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    decision: Ints
    leaf: Floats
    roots: Ints

    @classmethod
    def read(cls, text: str, columns: npt.NDArray[np.intp]) -> Self:
        """Return the forest of a model's text, reading row `columns[i]` for the model's feature `i`.

        Raises:
            NotWalkable: The text holds what this cannot walk.
        """
        header, *trees = text.split("\nTree=")
        if "\naverage_output" in header or not trees:
            raise NotWalkable(NotWalkable.__doc__)
        parts: dict[str, list[Any]] = {each: [] for each in _PARTS}
        roots = [_add(parts, dict(line.split("=", 1) for line in tree.splitlines() if "=" in line)) for tree in trees]
        decision = np.array(parts["decision"], dtype=np.int32)
        if (decision & _CATEGORICAL).any():
            raise NotWalkable(NotWalkable.__doc__)
        return cls(
            feature=columns[np.array(parts["feature"], dtype=np.intp)].astype(np.int32),
            threshold=np.array(parts["threshold"], dtype=np.float64),
            left=np.array(parts["left"], dtype=np.int32),
            right=np.array(parts["right"], dtype=np.int32),
            decision=decision,
            leaf=np.array(parts["leaf"], dtype=np.float64),
            roots=np.array(roots, dtype=np.int32),
        )

    def log_odds(self, rows: Floats) -> Floats:
        """Return the raw log-odds, of shape (n,), of rows of shape (n, columns)."""
        out = np.zeros(len(rows))
        trees = (self.feature, self.threshold, self.left, self.right, self.decision, self.leaf, self.roots)
        _walk(np.ascontiguousarray(rows, dtype=np.float64), *trees, out)
        return out


def sound(text: str, width: int) -> Forest:
    """Return the forest of a text that no library has read, for rows of `width` columns.

    Raises:
        NotSound: They cannot be walked safely.
        NotWalkable: The text is no model, or one of another kind.
    """
    try:
        found = Forest.read(text, np.arange(width, dtype=np.intp))
    except IndexError as error:
        raise NotSound(NotSound.__doc__) from error
    nodes, own = len(found.feature), np.arange(len(found.feature))
    if any(len(each) != nodes for each in (found.threshold, found.left, found.right, found.decision)):
        raise NotSound(NotSound.__doc__)
    # Grown by splitting leaves, a tree's nodes come after their parents; then every walk ends.
    for children in (found.left, found.right):
        inner = children >= 0
        if (children >= nodes).any() or (children < -len(found.leaf)).any() or (children <= own)[inner].any():
            raise NotSound(NotSound.__doc__)
    return found


def _add(parts: dict[str, list[Any]], tree: dict[str, str]) -> int:
    """Append one tree, its nodes and leaves numbered on; return its root."""
    try:
        if int(tree.get("num_cat", 0)) or int(tree.get("is_linear", 0)):
            raise NotWalkable(NotWalkable.__doc__)
        nodes, leaves = len(parts["feature"]), len(parts["leaf"])
        parts["leaf"] += [float(each) for each in tree["leaf_value"].split()]
        if int(tree["num_leaves"]) == 1:
            return ~leaves
        parts["feature"] += [int(each) for each in tree["split_feature"].split()]
        parts["threshold"] += [float(each) for each in tree["threshold"].split()]
        parts["decision"] += [int(each) for each in tree["decision_type"].split()]
        for side in ("left", "right"):
            children = (int(each) for each in tree[f"{side}_child"].split())
            parts[side] += [each + nodes if each >= 0 else ~(~each + leaves) for each in children]
    except (KeyError, ValueError) as error:
        raise NotWalkable(NotWalkable.__doc__) from error
    return nodes


def walkable(text: str, booster: Booster, columns: npt.NDArray[np.intp], width: int) -> Forest | None:
    """Return the forest of a model for rows of `width` columns; None unless it gives the library's bits."""
    try:
        forest = Forest.read(text, columns)
    except NotWalkable:
        return None
    # Around every threshold, zero and "no answer" are where two readings of a tree would part.
    values = np.concatenate([forest.threshold, np.nextafter(forest.threshold, np.inf), [0.0, np.nan, -1e9, 1e9]])
    rows = np.random.default_rng(0).choice(values, size=(CHECKED_ROWS, width))
    same = np.array_equal(forest.log_odds(rows), booster.log_odds(rows[:, columns]))
    if not same:
        _log.warning("this model's trees cannot be walked here with the library's own bits: the library predicts")
    return forest if same else None


@njit(cache=True, nogil=True)
def _walk(
    rows: Floats,
    feature: Ints,
    threshold: Floats,
    left: Ints,
    right: Ints,
    decision: Ints,
    leaf: Floats,
    roots: Ints,
    out: Floats,
) -> None:
    for root in roots:
        for row in range(rows.shape[0]):
            node = root
            while node >= 0:
                value = rows[row, feature[node]]
                missing = (decision[node] >> 2) & 3
                # The library takes what is this small for zero, and a missing value too where it knows no missing ones.
                if -_ZERO <= value <= _ZERO or (value != value and missing != _MISSING_NAN):
                    value = 0.0
                if (missing == _MISSING_ZERO and value == 0.0) or (missing == _MISSING_NAN and value != value):
                    goes_left = (decision[node] & _DEFAULT_LEFT) != 0
                else:
                    goes_left = value <= threshold[node]
                node = left[node] if goes_left else right[node]
            out[row] += leaf[~node]
