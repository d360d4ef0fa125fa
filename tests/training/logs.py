"""Logs of made-up people in real tables, and what they come to when folded one event at a time."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np

from features.catalog import CATALOGUE
from features.kinds import Kind
from features.state import advance, empty, merge, read
from serving.database import open_database
from tests.features.histories import DAY, HOUR, JULY, Happening

_USER = "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at, excluded) VALUES (?, ?, ?, 0, 0, ?)"
_EVENT = """
INSERT INTO events
(seq, user_no, message_id, known_at, occurred_at, received_at, kind, name, origin, linked_no, record, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, '', 'import', ?, ?, ?)
"""
_TOLD = """
INSERT INTO events (user_no, message_id, known_at, occurred_at, received_at, kind, name, origin, record, payload)
VALUES (?, ?, ?, ?, ?, ?, '', 'import', x'', ?)
"""
_EVALUATION = """
INSERT INTO evaluations (decision_id, user_no, seq, at, features, catalogue, scores, models, answered_at)
VALUES (?, ?, 0, ?, ?, ?, '{}', '{}', 0)
"""


def write_log(folder, rows, *, excluded=()):
    """Write rows of (user key, happening, key of the id it links or None); return the database's path."""
    keys = list(dict.fromkeys(key for user, _, linked in rows for key in (user, linked) if key is not None))
    number = {key: 10 + 3 * i for i, key in enumerate(keys)}
    database = open_database(folder / "opportune.db")
    with database.begin() as connection:
        for key, no in number.items():
            connection.exec_driver_sql(_USER, (no, key, key, "staff" if key in excluded else None))
        for seq, (user, each, linked) in enumerate(rows, start=1):
            payload = json.dumps({"traits": dict(each.traits)}) if each.traits else "{}"
            moments = (each.known_at, each.occurred_at, each.known_at)
            row = (seq, number[user], f"m{seq}", *moments, int(each.kind), number.get(linked), each.packed, payload)
            connection.exec_driver_sql(_EVENT, row)
    database.dispose()
    return folder / "opportune.db"


def write_told(folder, rows, *, excluded=(), merged=None):
    """Write events of (user key, kind, moment, properties as a dict or JSON text); `merged` maps ids to their owner."""
    keys = list(dict.fromkeys([*(row[0] for row in rows), *(merged or {}).values()]))
    number = {key: 10 + 3 * i for i, key in enumerate(keys)}
    database = open_database(folder / "opportune.db")
    with database.begin() as connection:
        for key, no in number.items():
            connection.exec_driver_sql(_USER, (no, key, key, "bot" if key in excluded else None))
        for key, owner in (merged or {}).items():
            linked = (number[owner], number[key])
            connection.exec_driver_sql("UPDATE users SET merged_into = ? WHERE user_no = ?", linked)
        for place, (user, kind, at, said) in enumerate(rows):
            payload = said if isinstance(said, str) else json.dumps({"properties": said})
            connection.exec_driver_sql(_TOLD, (number[user], f"m{place}", at, at, at, int(kind), payload))
    database.dispose()
    return folder / "opportune.db"


def write_evaluations(path, served):
    """Write what was served: rows of (user key, moment, features or None)."""
    import sqlite3

    with closing(sqlite3.connect(path)) as connection, connection:
        number = dict(connection.execute("SELECT user_key, user_no FROM users"))
        for i, (key, at, features) in enumerate(served):
            packed = None if features is None else features.tobytes()
            connection.execute(_EVALUATION, (f"d{i}", number[key], at, packed, CATALOGUE.fingerprint))


def known(rows, key, at):
    """Return the features of whoever the id was at a moment."""
    return read(state_known(rows, key, at), at)


def state_known(rows, key, at):
    """Fold what was known at a moment, one by one as serving does; return the state of whoever the id was then."""
    states, owner = {}, key
    for seq, (user, each, linked) in enumerate(rows, start=1):
        if each.known_at > at:
            break
        state = states.setdefault(user, empty())
        if linked in states:
            merge(state, states.pop(linked))
        owner = user if owner == linked else owner
        advance(state, each.record, each.known_at, seq)
    return states.get(owner, empty())


def a_crowd(*, people=12, events=300, seed=5):
    """Return rows of a busy log: late events, events of one moment, and ids that are linked to people halfway."""
    random = np.random.default_rng(seed)
    kinds = [Kind.PRODUCT_VIEWED, Kind.PRODUCT_ADDED, Kind.ORDER_COMPLETED, Kind.EMAIL_OPENED, Kind.CHECKOUT_STARTED]
    known_at, before, linked, rows = JULY, JULY, set(), []
    for _ in range(events):
        known_at += int(random.integers(1, 8 * HOUR))
        who, kind = int(random.integers(people)), kinds[random.integers(len(kinds))]
        # A third happen at the moment of the event before, a third arrive late.
        occurred_at = [known_at, before, known_at - int(random.integers(5 * DAY))][random.integers(3)]
        each = Happening(
            kind,
            occurred_at=occurred_at,
            known_at=known_at,
            utc_offset_s=-18000.0,
            amount=float(random.integers(1, 9999)) / 100,
            quantity=1.0,
            product=int(random.integers(1, 99)),
            items=1.0,
        )
        before = occurred_at
        if who % 2 and who not in linked:
            rows.append((f"anonymous:{who}", each, None))
            if random.random() < 0.1:
                linked.add(who)
                known_at += 1
                link = replace(each, kind=Kind.IDENTIFIED, known_at=known_at, occurred_at=known_at, amount=0.0)
                rows.append((f"user-{who}", link, f"anonymous:{who}"))
        else:
            rows.append((f"user-{who}", each, None))
    return rows


def same_bits(one, other):
    """Whether two arrays of numbers are the same to the last bit; every NaN counts as the same."""
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    equal = (one.view(np.int64) == other.view(np.int64)) | (np.isnan(one) & np.isnan(other))
    return one.shape == other.shape and bool(equal.all())
