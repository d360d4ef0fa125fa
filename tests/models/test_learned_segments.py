"""In which learned segment somebody is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.learned_segments import CLUSTERS, GRID, RFM, RFM_NAMES
from tests.models.segments import CENTRES, CUTS, buyer, row, segments, some_rows

# The grid that is published as patterns of two scores, recency and then how much, in the order it is given there.
PUBLISHED = {
    "[1-2][1-2]": "hibernating",
    "[1-2][3-4]": "at-risk",
    "[1-2]5": "cannot-lose",
    "3[1-2]": "about-to-sleep",
    "33": "need-attention",
    "[3-4][4-5]": "loyal",
    "41": "promising",
    "51": "new",
    "[4-5][2-3]": "potential-loyalists",
    "5[4-5]": "champions",
}


def test_the_grid_is_the_one_that_marketers_know():
    import re

    for recency in range(1, 6):
        for much in range(1, 6):
            (name,) = {each for form, each in PUBLISHED.items() if re.fullmatch(form, f"{recency}{much}")}
            assert GRID[recency - 1][much - 1] == name


@pytest.mark.parametrize(
    ("who", "name"),
    [
        # Cut-offs: 10, 20, 30, 40 days; 1, 1, 2, 4 orders; 20, 40, 60, 80 of revenue.
        (buyer(10, 5, 81), "champions"),  # scores 5, 5, 5
        (buyer(10, 1, 20), "new"),  # 5, 1, 1: values on a cut-off are below it, days on one are as recent
        (buyer(10.1, 1, 20), "promising"),  # 4, 1, 1
        (buyer(5, 1, 20.1), "potential-loyalists"),  # 5, and (1 + 2) / 2 is rounded up to 2
        (buyer(25, 2, 20), "about-to-sleep"),  # 3, and (3 + 1) / 2 = 2: two orders are more than the first two fifths
        (buyer(25, 2, 50), "need-attention"),  # 3, and (3 + 3) / 2 = 3
        (buyer(41, 5, 99), "cannot-lose"),  # 1, 5, 5
        (buyer(math.nan, 5, 99), "cannot-lose"),  # an order of which nobody knows when it was is long ago
        (buyer(35, 3, 50), "at-risk"),  # 2, and (4 + 3) / 2 is rounded up to 4
        (buyer(99, 1, 0), "hibernating"),  # 1, 1, 1
        (buyer(3, 0, 0), "never-bought"),  # cancelled
        (row(), "never-bought"),
    ],
)
def test_somebody_is_scored_by_fifths_of_those_who_bought(who, name):
    assert segments().of(who, RFM) == name


def test_somebody_is_in_the_cluster_whose_centre_is_nearest():
    # In standard deviations: (log 8 - 1) / 0.7 = 1.54 and -0.5 / 0.3 = -1.67; then (0 - 1) / 0.7 = -1.43 and 0.64.
    assert segments().of(row(views_hl7d=7.0, orders_hl90d=0.0), CLUSTERS) == "many-views-few-orders"
    assert segments().of(row(orders_hl90d=1.0), CLUSTERS) == "few-views-many-orders"


def test_nobody_counts_as_further_away_than_three_standard_deviations():
    nearest = CENTRES.nearest(np.array([[1e9, 0.0], [math.exp(1.0 + 0.7 * 3) - 1, 0.0]]))

    assert nearest.tolist() == [0, 0]


def test_what_was_not_learned_has_nobody_in_it():
    assert segments(rfm=None).of(buyer(1, 9, 99), RFM) is None
    assert segments(clusters=None).of(row(), CLUSTERS) is None
    assert segments(clusters=None).families == {RFM: RFM_NAMES}


def test_it_says_which_names_nobody_can_be_in():
    named = ["rfm/champions", "clusters/few-visits", "clusters/many-views-few-orders"]

    assert segments().missing(named) == ["clusters/few-visits"]
    assert segments(rfm=None, clusters=None).missing(named) == sorted(named)


@pytest.mark.parametrize("family", [RFM, CLUSTERS])
def test_one_row_and_many_get_the_same_answer(family):
    rows = some_rows(2000)

    assert [segments().of(each, family) for each in rows] == segments().of_rows(rows, family)


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.integers(1, 50), st.floats(-100, 1e5))
def test_who_bought_later_and_is_else_the_same_has_no_lower_score_of_recency(age, later, orders, revenue):
    more_recent, longer_ago = sorted((age, later))
    found = [segments().of(buyer(each, orders, revenue), RFM) for each in (more_recent, longer_ago)]
    rows = [[name in line for line in GRID] for name in found]

    assert max(i for i, has in enumerate(rows[0]) if has) >= min(i for i, has in enumerate(rows[1]) if has)
    assert CUTS.recency_d.tolist() == sorted(CUTS.recency_d)
