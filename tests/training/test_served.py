import sqlite3
from contextlib import closing

import numpy as np

from features.catalog import CATALOGUE
from features.kinds import Kind
from serving.log import decision_id
from tests.features.histories import HOUR
from tests.training.ledgers import MODEL, NOW, Ledger
from training.occasions import NO_EVENT, occasions
from training.served import first_id, read_served


def test_ids_are_those_of_the_ledger():
    assert decision_id(NOW - 1) < first_id(NOW) < decision_id(NOW)


def test_rows_are_read_as_they_were_answered(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.user("b", merged_into="a")
    ledger.user("bot", excluded="bot")
    seq = ledger.event("b", Kind.PRODUCT_ADDED, NOW)
    ledger.evaluation("a", NOW - 1, {"cart_items": 9}, 0.9)
    ledger.evaluation("b", NOW, {"cart_items": 2}, 0.25, event_seq=seq)
    ledger.evaluation("a", NOW + 1, {"cart_items": 3}, None)
    ledger.evaluation("bot", NOW + 1, {"cart_items": 4}, 0.5)
    ledger.evaluation("a", NOW + 2, {"cart_items": 5}, 0.75, event_seq=99)
    ledger.evaluation("a", NOW + 3, {"cart_items": 6}, 0.8)
    path = ledger.write()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE evaluations SET features = NULL WHERE at = ?", (NOW + 3,))
        found = read_served(connection, since_us=NOW, until_us=NOW + HOUR)

    assert found.person.tolist() == [1, 1, 1, 1]
    assert found.kind.tolist() == [Kind.PRODUCT_ADDED, NO_EVENT, NO_EVENT, NO_EVENT]
    # Of an event that was forgotten the kind is not known any more; nor are features that were.
    assert found.kept.tolist() == [True, True, False, False]
    assert found.features[:2, CATALOGUE.names.index("cart_items")].tolist() == [2.0, 3.0]
    assert found.by("24h", MODEL).tolist() == [True, False, True, True]
    assert found.by("24h", "another/1").tolist() == found.by("7d", MODEL).tolist() == [False] * 4


def test_a_time_without_answers_is_empty(tmp_path):
    with closing(sqlite3.connect(Ledger(tmp_path).write())) as connection:
        found = read_served(connection, since_us=0, until_us=NOW)

    assert len(found) == 0
    assert found.features.shape == (0, CATALOGUE.n_features)
    assert not found.by("24h", MODEL).any()


def test_an_occasion_is_the_event_or_the_time_since_the_last_one():
    rows = np.full((5, CATALOGUE.n_features), np.nan)
    rows[1, CATALOGUE.names.index("order_age_d")] = 3.0
    rows[2, CATALOGUE.names.index("order_age_d")] = 3.0
    rows[2, CATALOGUE.names.index("cart_idle_h")] = 0.5
    rows[3, CATALOGUE.names.index("view_age_d")] = 30.0
    kind = np.array([Kind.PRODUCT_ADDED, NO_EVENT, NO_EVENT, NO_EVENT, NO_EVENT])

    words = ["product_added", "asked within a week", "asked within an hour", "asked within a month", "asked later"]
    assert occasions(kind, rows).tolist() == words
