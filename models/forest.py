"""The trees of a LightGBM model in compiled code: the same bits as LightGBM's own call, in a fraction of its time.

Trees are not walked one by one. Where a value is above a node's threshold, the leaves left of the node are cut; of each
tree the first leaf that stands is the one that a walk leads to (QuickScorer: Lucchese et al., SIGIR 2015,
https://doi.org/10.1145/2766462.2767733). All nodes that look at one feature lie together, by threshold, and a table
keeps what every so many of them cut, so that of ten thousand nodes a row looks at a few hundred.

What a split does with a missing value follows `NumericalDecision` in LightGBM's `tree.h`. Whoever loads a forest checks
it against the library, which stays the judge.
"""

import logging
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.cpython.unsafe.numbers import trailing_zeros

from models.booster import Booster
from models.tree import NotSound, NotWalkable, Tree, read_trees

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint32]

CHECKED_ROWS = 256
_DEFAULT_LEFT = 2
_MISSING_ZERO, _MISSING_NAN = 1, 2
_ZERO = float(np.float32(1e-35))
_BITS = 32
_ALL = np.uint32(0xFFFFFFFF)
# mypy sees how it is compiled, and not what it returns.
_first_bit: Any = trailing_zeros
_NODE: Final = np.dtype(
    [("column", "i4"), ("missing", "i4"), ("threshold", "f8"), ("default_left", "?"), ("word", "u4"), ("stands", "u4")]
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """All nodes by what they look at, and all leaves as bits of words, those of each tree from left to right.

    Attributes:
        trees: How many.
        lists: Of nodes that look at the same thing, of shape (k, 6): column, how a missing value is told (LightGBM's),
            first node and end, first of their rows of the table, and the row of what a missing value cuts or -1.
        threshold: Of each node; a value above it cuts.
        cuts: Of each node a word, and its bits that stay, of shape (nodes, 2).
        table: What is left of all words after every `_step` nodes of a list, or for a missing value.
        later: Words of trees that need several: the tree's first word and this one, of shape (k, 2).
        leaf: Log-odds of each bit of a word, and then of none: 0, of shape (words, 33).
    """

    trees: int
    lists: Ints
    threshold: Floats
    cuts: Bits
    table: Bits
    later: Ints
    leaf: Floats

    @classmethod
    def read(cls, text: str, columns: npt.NDArray[np.intp]) -> Self:
        """Return the forest of a model's text, reading row `columns[i]` for the model's feature `i`.

        Raises:
            NotWalkable: The text holds what this cannot read.
            NotSound: Nodes are no tree, or look at what is not there.
        """
        trees = read_trees(text)
        words: list[list[float]] = []
        later: list[tuple[int, int]] = []
        spans: list[tuple[int, int]] = []
        for tree in trees:
            first = len(words)
            leaves, cut = tree.from_left(first * _BITS)
            spans += cut
            words += [leaves[each : each + _BITS] for each in range(0, len(leaves), _BITS)]
            later += [(first, each) for each in range(first + 1, len(words))]
        nodes = _nodes(trees, np.array(spans, dtype=np.int64).reshape(-1, 2), columns)
        lists, table = _lists(nodes, len(words))
        return cls(
            trees=len(trees),
            lists=lists,
            threshold=np.ascontiguousarray(nodes["threshold"]),
            cuts=np.stack([nodes["word"], nodes["stands"]], axis=1),
            table=table,
            later=np.array(later, dtype=np.int32).reshape(-1, 2),
            leaf=np.array([each + [0.0] * (_BITS + 1 - len(each)) for each in words]),
        )

    def log_odds(self, rows: Floats) -> Floats:
        """Return the raw log-odds, of shape (n,), of rows of shape (n, columns)."""
        out = np.empty(len(rows))
        forest = (self.lists, self.threshold, self.cuts, self.table, self.later, self.leaf)
        _add(np.ascontiguousarray(rows, dtype=np.float64), *forest, out)
        return out


def sound(text: str, width: int) -> Forest:
    """Return the forest of a text that no library has read, for rows of `width` columns.

    Raises:
        NotSound: Its nodes are no trees, or look at what is not there.
        NotWalkable: The text is no model, or one of another kind.
    """
    return Forest.read(text, np.arange(width, dtype=np.intp))


def walkable(text: str, booster: Booster, columns: npt.NDArray[np.intp], width: int) -> Forest | None:
    """Return the forest of a model for rows of `width` columns; None unless it gives the library's bits."""
    try:
        forest = Forest.read(text, columns)
    except (NotWalkable, NotSound):
        return None
    # Around every threshold, zero and "no answer" are where two readings of a tree would part.
    values = np.concatenate([forest.threshold, np.nextafter(forest.threshold, np.inf), [0.0, np.nan, -1e9, 1e9]])
    rows = np.random.default_rng(0).choice(values, size=(CHECKED_ROWS, width))
    same = np.array_equal(forest.log_odds(rows), booster.log_odds(rows[:, columns]))
    if not same:
        _log.warning("this model's trees cannot be walked here with the library's own bits: the library predicts")
    return forest if same else None


def _nodes(trees: list[Tree], spans: npt.NDArray[np.int64], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.void]:
    """Return all nodes in the order of a forest, each once for every word in which it cuts leaves."""
    feature = np.array([*chain.from_iterable(each.feature for each in trees)], dtype=np.intp)
    threshold = np.array([*chain.from_iterable(each.threshold for each in trees)], dtype=np.float64)
    decision = np.array([*chain.from_iterable(each.decision for each in trees)], dtype=np.int32)
    if ((feature < 0) | (feature >= len(columns))).any():
        raise NotSound(NotSound.__doc__)
    in_words = (spans[:, 1] - 1) // _BITS - spans[:, 0] // _BITS + 1
    node = np.repeat(np.arange(len(spans)), in_words)
    word = spans[node, 0] // _BITS + np.arange(len(node)) - (np.cumsum(in_words) - in_words)[node]
    low, high = (spans[node] - word[:, None] * _BITS).clip(0, _BITS).T
    found = np.empty(len(node), _NODE)
    found["column"], found["threshold"] = columns[feature][node], threshold[node]
    found["missing"], found["default_left"] = (decision[node] >> 2) & 3, decision[node] & _DEFAULT_LEFT
    found["word"], found["stands"] = word, int(_ALL) ^ ((1 << high) - (1 << low))
    return found[np.lexsort((found["threshold"], found["missing"], found["column"]))]


def _lists(nodes: npt.NDArray[np.void], words: int) -> tuple[Ints, Bits]:
    """Return `Forest.lists` and `Forest.table` of nodes in order."""
    lists: list[tuple[int, ...]] = []
    table: list[Bits] = []
    kinds, starts = np.unique(nodes[["column", "missing"]], return_index=True)
    for (column, missing), start, stop in zip(kinds, starts, np.append(starts, len(nodes))[1:], strict=True):
        own = nodes[start:stop]
        below, without = len(table), own[~own["default_left"]]
        table += [_standing(own[:each], words) for each in range(_step(words), len(own), _step(words))]
        cuts_missing = missing in {_MISSING_ZERO, _MISSING_NAN} and len(without)
        lists.append((column, missing, start, stop, below, len(table) if cuts_missing else -1))
        table += [_standing(without, words)] if cuts_missing else []
    return np.array(lists, dtype=np.int32).reshape(-1, 6), np.array(table, dtype=np.uint32).reshape(-1, words)


def _standing(nodes: npt.NDArray[np.void], words: int) -> Bits:
    """Return what is left of all words after these nodes have cut."""
    standing = np.full(words, _ALL)
    np.bitwise_and.at(standing, nodes["word"], nodes["stands"])
    return standing


@njit(cache=True, nogil=True)
def _step(words: int) -> int:
    """Return so many nodes that cutting by each of them takes about as long as by one row of the table."""
    return max(8, words // 8)


@njit(cache=True, nogil=True)
def _add(
    rows: Floats, lists: Ints, threshold: Floats, cuts: Bits, table: Bits, later: Ints, leaf: Floats, out: Floats
) -> None:
    standing = np.empty(leaf.shape[0], np.uint32)
    for row in range(rows.shape[0]):
        standing[:] = _ALL
        for each in range(lists.shape[0]):
            _cut(rows[row, lists[each, 0]], lists[each], threshold, cuts, table, standing)
        for each in range(later.shape[0]):
            first, word = later[each]
            for before in range(first, word):
                if standing[before] != 0:
                    standing[word] = 0
        total = 0.0
        for word in range(leaf.shape[0]):
            total += leaf[word, _first_bit(standing[word])]
        out[row] = total


@njit(cache=True, nogil=True, inline="always")
def _cut(value: float, nodes: Ints, threshold: Floats, cuts: Bits, table: Bits, standing: Bits) -> None:
    """Cut what a value of what the nodes of a list look at does not reach."""
    _, missing, node, stop, below, row = nodes
    # The library takes what is this small for zero, and a missing value too where it knows no missing ones.
    if -_ZERO <= value <= _ZERO or (value != value and missing != _MISSING_NAN):
        value = 0.0
    if (missing == _MISSING_ZERO and value == 0.0) or value != value:
        stop = node
    else:
        row, step = -1, _step(standing.shape[0])
        while node + step < stop and threshold[node + step - 1] < value:
            node, row, below = node + step, below, below + 1
    if row >= 0:
        for word in range(standing.shape[0]):
            standing[word] &= table[row, word]
    # An index without a sign is not looked at for whether it counts from the end.
    for each in range(np.uint64(node), np.uint64(stop)):
        if threshold[each] >= value:
            break
        standing[cuts[each, 0]] &= cuts[each, 1]
