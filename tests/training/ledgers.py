"""A home written row by row into its real tables: events, evaluations, decisions, messages and what followed."""

import json
import sqlite3
from contextlib import closing

import numpy as np

from features.catalog import CATALOGUE
from serving.database import open_database
from serving.log import decision_id
from tests.features.histories import DAY, JULY, Happening

NOW = JULY + 60 * DAY
MODEL = "opportune-intent-24h/7"
_EVALUATION = """
INSERT INTO evaluations (decision_id, user_no, seq, at, event_seq, features, catalogue, scores, models, answered_at)
VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, 0)
"""
_DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, score,
    threshold, horizon, arm, propensity, policy_version, arm_probability, send_probability, draws)
VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0.5, 0.2, '24h', ?, ?, 'p1', ?, ?, ?)
"""
_EVENT = """
INSERT INTO events (seq, user_no, message_id, known_at, occurred_at, received_at, kind, name, origin, record, payload,
    prev_seq) VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?)
"""
_MESSAGE = """
INSERT INTO outbox (message_id, trigger_decision_id, endpoint, body, due_at, status, attempts, next_attempt_at,
    lease_until, created_at) VALUES (?, ?, 'default', '{}', ?, ?, 0, 0, 0, 0)
"""
_OUTCOME = "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, occurred_at) VALUES (?, ?, ?, ?)"
_USER = """
INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at, merged_into, excluded) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class Ledger:
    """Rows in the order in which they are given; `write` puts them into `opportune.db`."""

    def __init__(self, folder):
        self.path = folder / "opportune.db"
        self._users, self._last, self._rows = {}, {}, {each: [] for each in (_EVENT, _EVALUATION, _DECISION)}
        self._rows |= {_MESSAGE: [], _OUTCOME: []}
        self._seq = self._place = 0

    def user(self, key, *, merged_into=None, excluded=None):
        """Return the number of a user."""
        if key not in self._users:
            owner = None if merged_into is None else self.user(merged_into)
            self._users[key] = (len(self._users) + 1, owner, excluded)
        return self._users[key][0]

    def event(self, key, kind, at, *, origin="live", **properties):
        """Log an event, and return its position."""
        no, self._seq = self.user(key), self._seq + 1
        packed = Happening(kind, occurred_at=at, known_at=at, amount=20.0).packed
        payload = json.dumps({"properties": properties})
        row = (self._seq, no, f"m{self._seq}", at, at, at, int(kind), origin, packed, payload, self._last.get(no))
        self._rows[_EVENT].append(row)
        self._last[no] = self._seq
        return self._seq

    def evaluation(self, key, at, features=None, score=None, *, event_seq=None, model=MODEL):
        """Write down what was known of somebody, as `{feature: value}`, and how likely an order was."""
        row = np.zeros(CATALOGUE.n_features)
        for name, value in (features or {}).items():
            row[CATALOGUE.names.index(name)] = value
        self._place = (self._place + 1) % 4096
        self._rows[_EVALUATION].append(
            (
                decision_id(at, self._place),
                self.user(key),
                at,
                event_seq,
                row.tobytes(),
                CATALOGUE.fingerprint,
                json.dumps({"24h": score}),
                json.dumps({"24h": model}),
            )
        )

    def decision(self, key, trigger, at, action, *, reason=None, arm=None, sending=None, explored=False):
        """Decide; `sending` is the probability of sending, where anything was left to chance. Return its id."""
        self._place = (self._place + 1) % 4096
        identity = f"{decision_id(at, self._place)}.{trigger}"
        reason = reason or {"send": "sent", "control": "control"}[action]
        draws = json.dumps({"unit": key, "salt": trigger, "explored": explored}) if sending is not None else None
        self._rows[_DECISION].append(
            (
                identity,
                identity[:16],
                self.user(key),
                trigger,
                at,
                action,
                reason,
                arm,
                sending or 1.0,
                sending,
                sending,
                draws,
            )
        )
        return identity

    def message(self, decision, *, due_at=0, status="delivered"):
        """Put a message of a decision into the outbox."""
        self._rows[_MESSAGE].append((f"{decision}.1", decision, due_at, status))

    def outcome(self, decision, kind, at):
        """Tie something to a decision."""
        self._seq += 1
        self._rows[_OUTCOME].append((decision, self._seq, kind, at))

    def write(self):
        """Write everything, and return the database's path."""
        open_database(self.path).dispose()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for key, (no, owner, excluded) in self._users.items():
                connection.execute(_USER, (no, key, key, self._last.get(no, 0), 0, owner, excluded))
            for statement, rows in self._rows.items():
                connection.executemany(statement, rows)
        return self.path
