"""What happened after each score, counted as a naive loop would."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from demo.journey import Journey
from demo.judge import orders_between
from demo.replay import local_midnight
from features.moments import DAY_US

HOUSEHOLDS = st.integers(1, 4)
MOMENTS = st.integers(0, 40).map(lambda hours: local_midnight("2017-01-01") + hours * 3_600_000_000)
BASKETS = st.lists(st.tuples(HOUSEHOLDS, MOMENTS), min_size=1, max_size=30)
ASKED = st.lists(st.tuples(st.integers(0, 5), MOMENTS, st.integers(0, 40)), min_size=1, max_size=20)


def a_journey(baskets):
    bought = pd.DataFrame(baskets, columns=["household_id", "at"]).sort_values("at", ignore_index=True)
    return Journey(bought, pd.DataFrame(), np.zeros(len(bought) + 1, dtype=np.int64))


@given(baskets=BASKETS, asked=ASKED)
def test_orders_are_counted_after_the_first_moment_and_up_to_the_second(baskets, asked):
    users, after, hours = (np.array(column, dtype=np.int64) for column in zip(*asked, strict=True))
    until = after + hours * 3_600_000_000
    naive = [
        sum(household == user and start < at <= end for household, at in baskets)
        for user, start, end in zip(users, after, until, strict=True)
    ]

    assert orders_between(a_journey(baskets), users, after, until).tolist() == naive


def test_an_order_at_midnight_belongs_to_the_day_before():
    midnight = local_midnight("2017-10-16")
    journey = a_journey([(7, midnight), (7, midnight + 1), (7, midnight + DAY_US), (7, midnight + DAY_US + 1)])
    asked = np.array([7]), np.array([midnight])

    assert orders_between(journey, *asked, asked[1] + DAY_US).tolist() == [2]
    assert orders_between(journey, asked[0], asked[1] - DAY_US, asked[1]).tolist() == [1]


def test_a_local_day_begins_five_hours_after_utc():
    assert np.datetime64(local_midnight("2017-10-16"), "us") == np.datetime64("2017-10-16T05:00")
