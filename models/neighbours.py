"""Products that go together: for each product its neighbours, and for everybody else what is popular."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

RECOMMENDED = 10
"""How many products a message is given, and how many count when it is judged."""
MOST_SEEDS = 20
"""How many products of a person's are looked at, the newest first."""
JUST_BOUGHT_DAYS = 30
"""Whatever was ordered within so many days is not recommended."""
MOST_POPULAR = 200
"""How many products are named to somebody of whom too little is known."""
NOBODY = -1
"""Stands where a product has fewer neighbours than others."""


@dataclass(frozen=True)
class Neighbours:
    """What was learned of products; read by serving and by the evaluation alike.

    Attributes:
        products: Their ids, the most popular first.
        near: Of each product its nearest ones, as positions in `products`; of shape (products, k), NOBODY where there
            are fewer.
        similarity: How near each of them is, in [0, 1]; of the same shape, 0 where there is none.
        version: As registered.
    """

    products: tuple[str, ...]
    near: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float64]
    version: str = field(default="", compare=False)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {product: place for place, product in enumerate(self.products)}

    def ranked(self, seeds: Sequence[str]) -> Iterator[str]:
        """Yield the ids of products for somebody who showed an interest in `seeds`, the likeliest first.

        First their neighbours, by the sum of their similarities to the seeds (Deshpande and Karypis, "Item-based top-N
        recommendation algorithms", ACM TOIS 22(1), 2004, section 4.1), then what is popular. Seeds may be among them.
        """
        rows = [self._place[each] for each in seeds if each in self._place]
        near = self.near[rows].ravel()
        found, which = np.unique(near, return_inverse=True)
        sums = np.bincount(which, weights=self.similarity[rows].ravel(), minlength=found.size)
        # The first of equals is the more popular one.
        order = np.argsort(-sums, kind="stable")
        nearest = [place for place in found[order].tolist() if place != NOBODY]
        yield from (self.products[place] for place in nearest)
        named = set(nearest)
        yield from (each for place, each in enumerate(self.products[:MOST_POPULAR]) if place not in named)


def popular_only(known: Neighbours) -> Neighbours:
    """Return the same products without neighbours, so that everybody is named what is popular."""
    count = len(known.products)
    return Neighbours(known.products, np.empty((count, 0), dtype=np.int32), np.empty((count, 0)), known.version)
