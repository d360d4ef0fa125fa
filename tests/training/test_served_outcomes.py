import sqlite3
from contextlib import closing
from datetime import timedelta

import numpy as np

from features.kinds import Kind
from tests.features.histories import DAY, HOUR
from tests.training.ledgers import NOW, Ledger
from training.served import read_served
from training.served_outcomes import followed

AT = NOW - 3 * DAY


def outcomes(ledger):
    """Return what followed each row, within a day."""
    path = ledger.write()
    with closing(sqlite3.connect(path)) as connection:
        served = read_served(connection, since_us=AT, until_us=NOW)
    return followed(path, served, timedelta(days=1), until_us=NOW)


def test_an_order_counts_within_the_horizon_under_any_id_of_the_person(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.user("anonymous:d", merged_into="d")
    for key in ("a", "b", "c", "d"):
        ledger.event(key, Kind.ORDER_COMPLETED, AT - HOUR)
        ledger.evaluation(key, AT, score=0.5)
    ledger.event("a", Kind.ORDER_COMPLETED, AT + HOUR)
    ledger.event("b", Kind.ORDER_COMPLETED, AT + DAY + 1)
    ledger.event("c", Kind.PRODUCT_ADDED, AT + HOUR)
    ledger.event("anonymous:d", Kind.ORDER_COMPLETED, AT + DAY)

    assert outcomes(ledger).ordered.tolist() == [True, False, False, True]


def test_rows_that_a_message_may_have_changed_are_left_out_and_withheld_ones_stand_for_them(tmp_path):
    ledger = Ledger(tmp_path)
    for key in ("alone", "sent", "withheld", "before", "after"):
        ledger.evaluation(key, AT, score=0.5)
    ledger.decision("sent", "cart", AT + HOUR, "send", arm="treatment", sending=0.8)
    ledger.decision("withheld", "cart", AT + HOUR, "control", arm="control", sending=0.8)
    # A day and more before the row, and after the order that was to be predicted.
    ledger.decision("before", "cart", AT - DAY - HOUR, "send", arm="treatment", sending=0.8)
    ledger.event("after", Kind.ORDER_COMPLETED, AT + HOUR)
    ledger.decision("after", "thanks", AT + 2 * HOUR, "send", arm="treatment", sending=0.8)

    found = outcomes(ledger)

    assert found.influence.kept.tolist() == [True, False, True, True, True]
    assert np.round(found.influence.weight[found.influence.kept], 9).tolist() == [1.0, 5.0, 1.0, 1.0]
    assert found.ordered.tolist() == [False, False, False, False, True]
