"""Which products go together: counted over baskets, as a cosine, damped where little was seen."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.neighbours import Neighbours
from training.baskets import Baskets
from training.log import Bools, Ints

MOST_PRODUCTS: Final = 10_000
"""The most popular of those that are in enough baskets."""
LEAST_SEEN: Final = 5
"""Baskets that a product has to be in."""
LEAST_TOGETHER: Final = 3
"""Baskets that two products have to be in, so that no single person's basket can be read from what was learned."""
NEAREST: Final = 10
"""Neighbours that a product has at most."""
DAMPING: Final = 10
"""With so many baskets in common half of the cosine counts."""
POPULAR_DAYS: Final = 90
"""What is popular is counted over the last days."""
MOST_PAIRS: Final = 10_000_000
"""Pairs of products that are counted, of the newest baskets; a basket of n products has n squared of them."""
_AT_ONCE: Final = 1_000

Floats = npt.NDArray[np.float64]


def learn(baskets: Baskets, *, neighbours: bool = True) -> Neighbours:
    """Return products by popularity, each with its neighbours unless these are not wanted.

    The similarity of two products is the cosine of the baskets they are in (Deshpande and Karypis, "Item-based top-N
    recommendation algorithms", ACM TOIS 22(1), 2004, section 4.1.1), times n / (n + DAMPING) for n baskets in common
    (Bell and Koren, "Scalable collaborative filtering with jointly derived neighborhood interpolation weights", ICDM
    2007, section 3).
    """
    chosen = _by_popularity(baskets)
    products = tuple(baskets.products[each] for each in chosen.tolist())
    if not neighbours:
        return Neighbours(products, np.empty((len(products), 0), dtype=np.int32), np.empty((len(products), 0)))
    place = np.full(len(baskets.products), -1)
    place[chosen] = np.arange(chosen.size)
    known = place[baskets.product] >= 0
    matrix = _matrix(_basket(baskets)[known], place[baskets.product[known]], baskets.day[known], chosen.size)
    near, similarity = _nearest(matrix)
    return Neighbours(products, near, similarity)


def _basket(baskets: Baskets) -> Ints:
    """Return the number of the basket of each line: what one person did on one day."""
    new = np.ones(len(baskets), dtype=np.bool_)
    new[1:] = (np.diff(baskets.person) != 0) | (np.diff(baskets.day) != 0)
    return np.cumsum(new) - 1


def count_baskets(baskets: Baskets) -> int:
    """Return how many baskets hold two products or more."""
    return int((np.bincount(_basket(baskets)) > 1).sum()) if len(baskets) else 0


def _by_popularity(baskets: Baskets) -> Ints:
    """Return the products that are in enough baskets, the most popular first."""
    count = len(baskets.products)
    seen = np.bincount(baskets.product, minlength=count)
    recent = baskets.day > baskets.day.max(initial=0) - POPULAR_DAYS
    popular = np.bincount(baskets.product[recent], minlength=count)
    order = np.lexsort((np.arange(count), -seen, -popular))
    return order[seen[order] >= LEAST_SEEN][:MOST_PRODUCTS]


def _matrix(basket: Ints, place: Ints, day: Ints, width: int) -> Any:
    """Return the newest baskets as rows of a sparse matrix of ones, of shape (baskets, products)."""
    counted = _newest(basket, day)
    _, row = np.unique(basket[counted], return_inverse=True)
    ones = np.ones(row.size, dtype=np.float32)
    return sparse.csr_matrix((ones, (row, place[counted])), shape=(int(row.max(initial=-1)) + 1, width))


def _newest(basket: Ints, day: Ints) -> Bools:
    """Return the lines of the newest baskets, so many that their pairs can be counted."""
    size = np.bincount(basket)
    when = np.zeros(size.size, dtype=np.int64)
    when[basket] = day
    order = np.argsort(-when, kind="stable")
    fits = np.zeros(size.size, dtype=np.bool_)
    fits[order] = np.cumsum(size[order] ** 2) <= MOST_PAIRS
    return fits[basket]


def _nearest(matrix: Any) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the neighbours of each column and their similarities, the nearest first."""
    width = matrix.shape[1]
    near = np.full((width, NEAREST), -1, dtype=np.int32)
    similarity = np.zeros((width, NEAREST))
    seen = np.asarray(matrix.sum(axis=0)).ravel()
    turned = matrix.T.tocsr()
    for first in range(0, width, _AT_ONCE):
        # A part at a time: all pairs at once would be the largest thing in memory.
        together = (turned[first : first + _AT_ONCE] @ matrix).tocoo()
        row, column, value = together.row + first, together.col, together.data
        counts = (value >= LEAST_TOGETHER) & (row != column)
        row, column, value = row[counts], column[counts], value[counts].astype(np.float64)
        cosine = value / np.sqrt(seen[row] * seen[column]) * value / (value + DAMPING)
        order = np.lexsort((column, -cosine, row))
        row, column, cosine = row[order], column[order], cosine[order]
        rank = np.arange(row.size) - np.searchsorted(row, row)
        best = rank < NEAREST
        near[row[best], rank[best]] = column[best]
        similarity[row[best], rank[best]] = cosine[best]
    return near, similarity
