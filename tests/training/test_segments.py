import numpy as np

from features.catalog import CATALOGUE
from training.segments import ORDERS, SEEN, segments


def rows(**columns):
    found = np.full((len(next(iter(columns.values()))), CATALOGUE.n_features), np.nan)
    for name, values in columns.items():
        found[:, CATALOGUE.names.index(name)] = values
    return found


def test_everybody_is_in_one_segment_by_orders_and_in_one_by_age():
    shopping, order = SEEN
    people = rows(
        **{ORDERS: [0.0, np.nan, 1.0, 7.0], shopping: [0.5, np.nan, 90.0, np.nan], order: [np.nan, np.nan, 29.0, 31.0]}
    )

    found = {name: inside.tolist() for name, inside in segments(people, CATALOGUE).items()}

    assert found == {
        "people who never ordered": [True, True, False, False],
        "people who ordered once": [False, False, True, False],
        "people who ordered more often": [False, False, False, True],
        "people seen within a day": [True, False, False, False],
        "people seen within a month": [False, False, True, False],
        "people not seen for a month": [False, True, False, True],
    }
