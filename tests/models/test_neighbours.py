"""Ranking products: the nearest by the sum of their similarities, then what is popular."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.neighbours import MOST_POPULAR, Neighbours, popular_only

PRODUCTS = ("bread", "butter", "jam", "soap")
KNOWN = Neighbours(
    PRODUCTS,
    np.array([[1, 2], [0, -1], [0, 1], [-1, -1]], dtype=np.int32),
    np.array([[0.9, 0.3], [0.9, 0.0], [0.3, 0.2], [0.0, 0.0]]),
)


def test_neighbours_come_by_the_sum_of_their_similarities_and_then_what_is_popular():
    # Butter is as near to bread as .9; bread comes to .3 by jam alone, butter to .9 + .2.
    assert list(KNOWN.ranked(["bread", "jam"])) == ["butter", "bread", "jam", "soap"]
    assert list(KNOWN.ranked(["jam"])) == ["bread", "butter", "jam", "soap"]


def test_of_whom_nothing_is_known_gets_what_is_popular():
    assert list(KNOWN.ranked([])) == list(PRODUCTS)
    assert list(KNOWN.ranked(["unheard-of"])) == list(PRODUCTS)


def test_without_neighbours_everybody_gets_what_is_popular():
    assert list(popular_only(KNOWN).ranked(["jam"])) == list(PRODUCTS)


def test_what_is_popular_is_bounded():
    many = Neighbours(tuple(map(str, range(999))), np.empty((999, 0), dtype=np.int32), np.empty((999, 0)))

    assert list(many.ranked([])) == list(map(str, range(MOST_POPULAR)))


@given(st.lists(st.sampled_from([*PRODUCTS, "unheard-of"]), max_size=6))
def test_nothing_is_named_twice_or_made_up(seeds):
    found = list(KNOWN.ranked(seeds))

    assert sorted(found) == sorted(PRODUCTS)
