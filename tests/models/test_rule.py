import math

import numpy as np
import pytest

from features.catalog import CATALOGUE
from models.rule import RecencyFrequencyRule


def row(**values):
    found = np.full(CATALOGUE.n_features, np.nan)
    for name, value in values.items():
        found[CATALOGUE.names.index(name)] = value
    return found


def scored(horizon="24h", **values):
    return float(RecencyFrequencyRule(horizon).predict(row(**values).reshape(1, -1))[0])


def test_a_steady_buyer_scores_as_a_poisson_process_of_their_rate():
    # Who orders once a day has a count that settles at 30 / ln 2.
    daily = 30.0 / math.log(2.0)

    assert scored(orders_hl30d=daily, order_age_d=1.0, order_gap_relative=1.0) == pytest.approx(1 - math.exp(-1.0))
    assert scored("7d", orders_hl30d=daily, order_age_d=1.0, order_gap_relative=1.0) == pytest.approx(
        1 - math.exp(-7.0)
    )


def test_who_never_ordered_scores_nothing():
    assert scored(orders_hl30d=0.0) == 0.0
    assert scored() == 0.0


def test_more_orders_score_more_and_long_silence_less():
    regular = {"order_age_d": 2.0, "order_gap_relative": 1.0}

    assert scored(orders_hl30d=2.0, **regular) > scored(orders_hl30d=1.0, **regular)
    assert scored(orders_hl30d=2.0, order_age_d=90.0, order_gap_relative=9.0) < scored(orders_hl30d=2.0, **regular)


def test_refunds_that_outnumber_orders_do_not_make_a_negative_score():
    assert scored(orders_hl30d=-1.0) == 0.0


def test_it_says_that_it_is_a_rule():
    rule = RecencyFrequencyRule("24h")

    assert (rule.name, rule.calibrated) == ("rule-recency-frequency", False)


def test_it_shows_what_it_looked_at():
    found = RecencyFrequencyRule("24h").contributions(row(orders_hl30d=2.0, order_age_d=3.0))

    assert [(each.feature, each.value) for each in found[:2]] == [("orders_hl30d", 2.0), ("order_age_d", 3.0)]
