"""How often recommendations hit: where pairs are bought, neighbours find them; what was just bought never counts."""

from models.neighbours import RECOMMENDED
from tests.training.shelves import baskets, pairs_of_a_shop
from training.co_occurrence import learn
from training.hit_rate import HitRate, hit_rate, judged


def test_where_products_come_in_pairs_neighbours_hit_more_often_than_popularity():
    found = hit_rate(pairs_of_a_shop())

    assert (found.people, found.learned) == (40, 1.0)
    # Ten of the forty products are named.
    assert found.popular <= 0.5
    assert found.neighbours_help


def test_where_everybody_buys_the_same_popularity_hits():
    lines = [(who, day, ["milk"], True) for who in range(40) for day in (0, 50)]
    lines += [(who, day, ["bread"], True) for who in range(40) for day in (0, 90)]

    assert hit_rate(baskets(*lines)) == HitRate(40, 1.0, 1.0)


def test_what_was_just_bought_is_neither_recommended_nor_counted():
    lines = [(who, day, ["milk"], True) for who in range(10) for day in (70, 95)]
    lines += [(who, 0, ["milk", "bread"], True) for who in range(20, 30)]

    assert hit_rate(baskets(*lines)) == HitRate(0, 0.0, 0.0)
    assert not hit_rate(baskets(*lines)).neighbours_help


def test_what_was_viewed_last_is_not_recommended():
    history = [(who, 0, ["lamp", "bulb"], True) for who in range(100, 110)]
    of_window = [(1, 9, ["lamp"], False), (1, 10, ["lamp", "bulb"], True)]
    shelves = baskets(*history, *of_window)

    found = judged(learn(baskets(*history)), shelves, starts=10)

    # The bulb it is that hits.
    assert found == HitRate(1, 1.0, 1.0)


def test_no_more_count_than_a_message_is_given():
    popular = [f"p{n:02}" for n in range(RECOMMENDED)]
    history = [(who, 0, popular, True) for who in range(10)] + [(who, 1, ["last"], True) for who in range(20, 26)]
    shelves = baskets(*history, (99, 5, ["last"], True))

    assert judged(learn(baskets(*history), neighbours=False), shelves, starts=5) == HitRate(1, 0.0, 0.0)
