"""Decisions of made-up people in the ledger's real tables, with the orders that followed in the log."""

from contextlib import closing

import numpy as np

from features.catalog import CATALOGUE
from features.kinds import Kind
from serving.database import open_database
from tests.features.histories import DAY, HOUR, JULY, MINUTE, Happening
from training.world_decisions import logged

PRESENT, HOLD_OUT = 0.2, 0.1
TRIGGER = "warm-cart"
END = JULY + 90 * DAY
_USER = "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at) VALUES (?, ?, ?, 0, 0)"
_EVENT = """
INSERT INTO events (seq, user_no, message_id, known_at, occurred_at, received_at, kind, name, origin, record, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, '', 'live', ?, '{}')
"""
_DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, score,
    threshold, horizon, arm, propensity, policy_version) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, '24h', ?, ?, 'p1')
"""
_EVALUATION = """
INSERT INTO evaluations (decision_id, user_no, seq, at, features, catalogue, scores, models, answered_at)
VALUES (?, ?, 0, ?, ?, ?, '{}', '{}', 0)
"""
_OUTCOME = "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, occurred_at) VALUES (?, ?, 'unsubscribed', ?)"


def write_decisions(folder, at, *, exploration, seed=1, threshold=PRESENT, hold_out=HOLD_OUT):
    """Write what a ledger would hold of made-up moments; return what it should be read as."""
    log = logged(at, threshold=threshold, hold_out=hold_out, exploration=exploration, seed=seed)
    moments = JULY + np.arange(len(log)) * MINUTE
    # Whoever is asked twice is so days apart, or one order would count for both.
    turn = np.arange(len(log)) - np.searchsorted(log.user, log.user)
    moments += turn * 3 * DAY
    users = int(log.user.max()) + 1
    database = open_database(folder / "opportune.db")
    with database.begin() as connection:
        execute = connection.connection.driver_connection.executemany
        execute(_USER, [(each + 1, f"u{each}", f"u{each}") for each in range(users)])
        execute(_EVENT, list(_events(log, moments, users)))
        execute(_DECISION, [_decision(log, row, int(moment), threshold) for row, moment in enumerate(moments)])
        execute(_EVALUATION, [_evaluation(log, row, int(moment)) for row, moment in enumerate(moments)])
        left = np.flatnonzero(log.unsubscribed).tolist()
        execute(_OUTCOME, [(f"d{row}-t", 10_000_000 + row, int(moments[row]) + HOUR) for row in left])
    database.dispose()
    return log.where(np.argsort(moments, kind="stable"))


def run(path, statement, *values):
    """Change the tables of a test by hand, or return the first row of what is asked."""
    import sqlite3

    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchone()


def _events(log, moments, users):
    for row in np.flatnonzero(log.ordered).tolist():
        at = int(moments[row]) + HOUR
        order = Happening(Kind.ORDER_COMPLETED, occurred_at=at, known_at=at, amount=40.0, items=1.0)
        yield row + 1, int(log.user[row]) + 1, f"m{row}", at, at, at, int(order.kind), order.packed
    last = Happening(Kind.PAGE_VIEWED, occurred_at=END, known_at=END)
    yield len(log) + 1, users, "last", END, END, END, int(last.kind), last.packed


def _decision(log, row, moment, threshold):
    above, sent, chance = log.score[row] >= threshold, bool(log.sent[row]), float(log.chance[row])
    action = "send" if sent else "control" if above else "hold"
    reason = "sent" if sent else "control" if above else "below_threshold"
    arm = None if reason == "below_threshold" else "treatment" if sent else "control"
    propensity = chance if sent else 1.0 - chance
    key = f"d{row}"
    user = int(log.user[row]) + 1
    score = float(log.score[row])
    return f"{key}-t", key, user, TRIGGER, moment, action, reason, score, threshold, arm, propensity


def _evaluation(log, row, moment):
    features = np.zeros(CATALOGUE.n_features)
    features[: log.features.shape[1]] = log.features[row]
    return f"d{row}", int(log.user[row]) + 1, moment, features.tobytes(), CATALOGUE.fingerprint
