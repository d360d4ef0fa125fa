"""The trees of a LightGBM model, read from its text and checked: every node and every leaf is reached on one way.

The format is that of `Booster.model_to_string`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

_CATEGORICAL: Final = 1
_OF_NODES: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
MOST_LEAVES: Final = 1024
"""Of one tree; LightGBM grows 31 unless it is told otherwise."""


class NotWalkable(ValueError):
    """This model holds something else than numerical splits of single trees: leave it to LightGBM."""


class NotSound(ValueError):
    """These trees do not look at what they are shown here, or lead in circles."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; a child below zero is the complement of a leaf's number.

    Attributes:
        feature: What each node looks at.
        threshold: A value up to this goes left.
        decision: LightGBM's bits: categorical, default left, and how a missing value is told.
        left: Child.
        right: Child.
        leaf: Log-odds that each leaf adds.
    """

    feature: Sequence[int]
    threshold: Sequence[float]
    decision: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]
    leaf: Sequence[float]

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the tree of its part of a model's text.

        Raises:
            NotWalkable: It is of another kind.
            NotSound: Its nodes are no tree.
        """
        said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        try:
            if int(said["num_leaves"]) == 1:
                said |= dict.fromkeys(_OF_NODES, "")
            feature, decision, left, right = (
                list(map(int, said[part].split())) for part in _OF_NODES if part != "threshold"
            )
            threshold, leaf = (list(map(float, said[part].split())) for part in ("threshold", "leaf_value"))
            other = int(said.get("num_cat", 0)) or int(said.get("is_linear", 0)) or len(leaf) > MOST_LEAVES
        except (KeyError, ValueError) as error:
            raise NotWalkable(NotWalkable.__doc__) from error
        if other or any(each & _CATEGORICAL for each in decision):
            raise NotWalkable(NotWalkable.__doc__)
        found = cls(feature, threshold, decision, left, right, leaf)
        if not found._sound():
            raise NotSound(NotSound.__doc__)
        return found

    def _sound(self) -> bool:
        """Whether each node and each leaf is the child of one node, and no threshold is missing."""
        nodes = len(self.leaf) - 1
        parts = (self.feature, self.threshold, self.decision, self.left, self.right)
        if nodes < 1:
            return nodes == 0 and not any(parts)
        # Grown by splitting leaves, a tree's nodes come after their parents.
        return (
            all(len(each) == nodes for each in parts)
            and sorted([*self.left, *self.right]) == [*range(~nodes, 0), *range(1, nodes)]
            and not any(0 <= child <= node for side in (self.left, self.right) for node, child in enumerate(side))
            and not any(map(math.isnan, self.threshold))
        )

    def from_left(self, first: int) -> tuple[list[float], list[tuple[int, int]]]:
        """Return the leaves from left to right, and for each node which of them are left of it, as a range.

        Args:
            first: The number of the leftmost leaf; the others are numbered on.
        """
        nodes, leaves = len(self.feature), len(self.leaf)
        # Leaves lie at the end, the first one last, where a child below zero finds its own.
        below, starts, ordered = [1] * (nodes + leaves), [first] * (nodes + leaves), [0.0] * leaves
        for node in reversed(range(nodes)):
            below[node] = below[self.left[node]] + below[self.right[node]]
        for node, (left, right) in enumerate(zip(self.left, self.right, strict=True)):
            starts[left] = starts[node]
            starts[right] = starts[node] + below[left]
        for leaf, value in enumerate(self.leaf):
            ordered[starts[~leaf] - first] = value
        return ordered, [(starts[node], starts[right]) for node, right in enumerate(self.right)]


def read_trees(text: str) -> list[Tree]:
    """Return the trees of a model's text.

    Raises:
        NotWalkable: It is no model, or one of another kind.
        NotSound: Nodes are no tree.
    """
    header, *trees = text.split("\nTree=")
    if "\naverage_output" in header or not trees:
        raise NotWalkable(NotWalkable.__doc__)
    return [Tree.read(each) for each in trees]
