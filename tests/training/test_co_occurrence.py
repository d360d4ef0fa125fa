"""What goes together: cosines of small shelves by arithmetic, and bounds that hold whatever is counted."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.histories import laws
from tests.training.shelves import baskets
from training import co_occurrence
from training.co_occurrence import DAMPING, LEAST_SEEN, LEAST_TOGETHER, NEAREST, count_baskets, learn


def together(*counts):
    """Return baskets: of each (products, how many) so many, each of somebody else and on a day of its own."""
    many = [products for products, count in counts for _ in range(count)]
    return baskets(*((who, who, products, True) for who, products in enumerate(many)))


def near(found, product):
    place = found.products.index(product)
    pairs = zip(found.near[place].tolist(), found.similarity[place].tolist(), strict=True)
    return {found.products[each]: like for each, like in pairs if each >= 0}


def test_the_similarity_is_a_damped_cosine():
    found = learn(together((["bread", "butter"], 8), (["bread"], 10), (["soap"], 5)))

    # 8 in common; 18 with bread, 8 with butter.
    assert near(found, "bread") == pytest.approx({"butter": 8 / sqrt(18 * 8) * 8 / (8 + DAMPING)})
    assert near(found, "butter") == pytest.approx({"bread": near(found, "bread")["butter"]})
    assert near(found, "soap") == {}


def test_the_most_popular_of_the_last_days_comes_first():
    lines = [(who, 0, ["old"], True) for who in range(30)] + [(who, 200, ["new"], True) for who in range(6)]

    assert learn(baskets(*lines)).products == ("new", "old")


def test_what_was_seen_too_rarely_is_not_there_and_too_few_in_common_are_no_neighbours():
    rare = LEAST_SEEN - 1
    found = learn(together((["rare"], rare), (["a", "b"], LEAST_TOGETHER - 1), (["a"], 9), (["b"], 9)))

    assert set(found.products) == {"a", "b"}
    assert near(found, "a") == {}


def test_neighbours_that_are_not_wanted_are_not_counted():
    found = learn(together((["a", "b"], 9)), neighbours=False)

    assert found.products == ("a", "b")
    assert found.near.shape == (2, 0)


def test_of_too_many_pairs_those_of_the_newest_baskets_are_counted(monkeypatch):
    # The nine newest baskets of two have 36 pairs; one more would have 40.
    monkeypatch.setattr(co_occurrence, "MOST_PAIRS", 39)
    found = learn(together((["a", "old"], 9), (["a", "new"], 9)))

    assert set(near(found, "a")) == {"new"}


@laws
@given(st.lists(st.sets(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=8), max_size=60))
def test_similarities_are_symmetric_sorted_and_within_bounds(shelves):
    found = learn(together(*((sorted(each), 3) for each in shelves)))

    assert found.near.shape == found.similarity.shape == (len(found.products), NEAREST)
    assert np.all((found.similarity >= 0) & (found.similarity < 1))
    assert np.all(np.diff(found.similarity, axis=1) <= 0)
    for product in found.products:
        neighbours = near(found, product)
        assert product not in neighbours
        for other, like in neighbours.items():
            back = near(found, other)
            assert product not in back or back[product] == pytest.approx(like)


def test_baskets_of_one_product_do_not_count():
    assert count_baskets(together((["a", "b"], 2), (["a"], 5))) == 2
    assert count_baskets(baskets()) == 0
