"""Which rows of the ledger a challenger is judged by."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY, MINUTE, Happening
from tests.training.logs import write_log
from training.baselines import Logistic
from training.shadow_rows import Pair, read_shadowed

T = JULY + 30 * DAY
END = T + 10 * DAY
CHALLENGER, CHAMPION = "opportune-intent-24h/2", "opportune-intent-24h/1"
PAIR = Pair("24h", CHALLENGER, CHAMPION, since_us=T - DAY)
LOGISTIC = Logistic(["orders"], [0.0], [0.0], [1.0], [1.0], 0.0)
_EVALUATION = """
INSERT INTO evaluations (decision_id, user_no, seq, at, features, catalogue, scores, models, answered_at, shadow)
VALUES (?, (SELECT user_no FROM users WHERE user_key = ?), 0, ?, ?, ?, ?, ?, 0, ?)
"""
_DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, arm,
    propensity, policy_version)
VALUES (?, 'd', (SELECT user_no FROM users WHERE user_key = ?), 'cart', ?, 1, ?, 'sent', ?, ?, 'p')
"""


def a_home(folder, *scored, orders=(), messages=(), excluded=()):
    """Write a log and its ledger.

    Args:
        folder: Where.
        scored: Of each row the person, the moment, and what is not as usual.
        orders: Who ordered, and when.
        messages: To whom, when, whether it was sent, and the chance of what happened.
        excluded: Who is no customer.
    """
    people = dict.fromkeys(each[0] for each in scored)
    rows = [(who, Happening(Kind.PAGE_VIEWED, occurred_at=JULY, known_at=JULY), None) for who in people]
    rows += [(who, Happening(Kind.ORDER_COMPLETED, occurred_at=at, known_at=at), None) for who, at in orders]
    rows.append(("last", Happening(Kind.PAGE_VIEWED, occurred_at=END, known_at=END), None))
    database = write_log(folder, rows, excluded=excluded)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(_EVALUATION, [_evaluation(*each) for each in scored])
        connection.executemany(
            _DECISION,
            [
                (f"m{i}", who, at, "send" if sent else "control", "treatment" if sent else "control", chance)
                for i, (who, at, sent, chance) in enumerate(messages)
            ],
        )
    return database


def _evaluation(who, at, usual=None):
    said = {"orders": 0.0, "champion": CHAMPION, "score": 0.1, "shadow": 0.2, "catalogue": CATALOGUE.fingerprint}
    said |= usual or {}
    features = np.zeros(CATALOGUE.n_features)
    features[CATALOGUE.names.index("orders")] = said["orders"]
    shadow = None if said["shadow"] is None else json.dumps({"24h": {"model": CHALLENGER, "score": said["shadow"]}})
    scores, models = json.dumps({"24h": said["score"]}), json.dumps({"24h": said["champion"]})
    packed = None if usual is not None and usual.get("pruned") else features.tobytes()
    return f"{at:013x}{who}", who, at, packed, said["catalogue"], scores, models, shadow


def read(database, pair=PAIR):
    return read_shadowed(database, pair, LOGISTIC, timedelta(hours=24))


def test_a_matured_row_that_both_scored_is_judged_by_what_its_person_did_then(tmp_path):
    scored = [("b", T + MINUTE, {"score": 0.3, "shadow": 0.4, "orders": 2.0}), ("a", T)]
    found = read(a_home(tmp_path, *scored, orders=[("a", T + 23 * HOUR), ("b", T + 26 * HOUR)]))
    judged = found.judged

    assert judged.challenger.tolist() == [0.2, 0.4]
    assert judged.champion.tolist() == [0.1, 0.3]
    assert judged.ordered.tolist() == [True, False]
    assert judged.user[0] != judged.user[1]
    assert judged.references["logistic regression"] == pytest.approx([0.5, 1 / (1 + np.exp(-2.0))])
    assert judged.segments["people who never ordered"].tolist() == [True, False]
    assert judged.segments["people who ordered more often"].tolist() == [False, True]
    assert judged.weight is None
    assert (found.ledger, found.only_challenger, found.unusable, found.immature) == (2, 0, 0, 0)


def test_what_either_learned_from_what_is_not_over_and_who_is_no_customer_is_left_out(tmp_path):
    scored = [
        ("a", T - DAY),
        ("a", T),
        ("b", END - 23 * HOUR),
        ("bot", T),
        ("c", T, {"pruned": True}),
        ("d", T, {"catalogue": "another"}),
    ]
    found = read(a_home(tmp_path, *scored, excluded=("bot",)))

    assert found.judged.ordered.size == 1
    assert (found.challenger.size, found.unusable, found.immature) == (6, 4, 1)


def test_rows_of_another_champion_and_those_without_a_challenger_are_counted_and_no_more(tmp_path):
    other = "rule-recency-frequency/1"
    scored = [
        ("a", T - MINUTE, {"shadow": None}),
        ("a", T),
        ("b", T, {"champion": other}),
        ("c", T + MINUTE, {"shadow": None}),
    ]
    database = a_home(tmp_path, *scored)
    beside_champion = read(database)
    beside_rule = read(database, PAIR._replace(champion=None))

    # Those since the challenger began: a, b and c.
    assert (beside_champion.ledger, beside_champion.only_challenger, beside_champion.challenger.size) == (3, 1, 1)
    assert (beside_rule.only_challenger, beside_rule.challenger.size, beside_rule.judged.champion) == (0, 2, None)


def test_a_row_that_a_message_may_have_changed_is_left_out_and_one_withheld_stands_for_it(tmp_path):
    messages = [("a", T + HOUR, True, 0.9), ("b", T + HOUR, False, 0.1)]
    found = read(a_home(tmp_path, ("a", T), ("b", T), ("c", T), messages=messages))

    assert found.judged.weight == pytest.approx([10.0, 1.0])
    assert (found.messages.left_out, found.messages.weighted) == (1, 1)


def test_a_ledger_in_which_nobody_scored_in_shadow_has_nothing_to_judge(tmp_path):
    found = read(a_home(tmp_path, ("a", T, {"shadow": None})))

    assert (found.judged.ordered.size, found.challenger.size, found.ledger) == (0, 0, 0)
    assert set(found.judged.segments) >= {"people who never ordered", "people seen within a day"}
