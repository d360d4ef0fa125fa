"""Baskets of a made-up shop, given as who had what on which day."""

import numpy as np

from training.baskets import Baskets


def baskets(*lines):
    """Return baskets of (person, day, products, bought or not) in any order."""
    rows = sorted((who, day, product, bought) for who, day, products, bought in lines for product in set(products))
    products = tuple(sorted({product for _, _, product, _ in rows}))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    place = [products.index(each) for each in columns[2]]
    who, day, product = (np.array(each, dtype=np.int64) for each in (columns[0], columns[1], place))
    return Baskets(products, who, day, product, np.array(columns[3], dtype=np.bool_))


def pairs_of_a_shop(*, kinds=20):
    """Return baskets of people who take both of a pair on one day, and of others who look at one and buy one later."""
    lines = []
    for who in range(8 * kinds):
        kind = who % kinds
        lines += [(who, who % 70, [f"look{kind}"], False), (who, who % 70, [f"take{kind}"], True)]
    for who in range(1000, 1000 + 2 * kinds):
        kind = who % kinds
        lines += [(who, 75, [f"look{kind}"], False), (who, 95, [f"take{kind}"], True)]
    return baskets(*lines)
