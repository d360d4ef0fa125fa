"""Baskets by the hour of the household's day."""

import numpy as np
import pandas as pd

from demo.hours import baskets_by_hour
from demo.journey import Journey
from features.moments import HOUR_US


def test_baskets_from_a_moment_on_count_by_the_hour_five_behind_utc():
    rows = [(1, 3), (1, 5), (1, 29), (2, 6), (9, 7)]
    baskets = pd.DataFrame({"household_id": [who for who, _ in rows], "at": [hour * HOUR_US for _, hour in rows]})
    found = baskets_by_hour(Journey(baskets, pd.DataFrame(), np.zeros(1, dtype=np.int64)), [2, 1], since=5 * HOUR_US)

    # At 3 it was too early, and nobody asked for the ninth household.
    # The first of January 1970 was a Thursday.
    assert found.shape == (2, 2, 24)
    assert [np.flatnonzero(each[0]).tolist() for each in found] == [[1], [0]]
    assert found.sum(axis=(1, 2)).tolist() == [1.0, 2.0]
    assert not found[:, 1].any()
