"""Made-up experiments with known rates, as units and as a ledger in real tables."""

from contextlib import closing
from typing import NamedTuple

import numpy as np

from features.catalog import CATALOGUE
from serving.database import open_database
from training.experiment import Units

DAY = 86_400_000_000
HOUR = DAY // 24
# Midnight: 1 January 2026.
START = 1_767_225_600_000_000

_USER = (
    "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at, merged_into, excluded) VALUES (?,?,?,0,?,?,?)"
)
_DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, score,
    threshold, horizon, arm, propensity, model_version, policy_version, channels)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0.1, ?, ?, ?, 'model/1', 'policy', 'email')
"""
_OUTCOME = "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, value, occurred_at) VALUES (?, ?, ?, ?, ?)"
_EVALUATION = """
INSERT INTO evaluations (decision_id, user_no, seq, at, event_seq, features, catalogue, scores, models, answered_at)
VALUES (?, ?, 0, ?, NULL, ?, ?, '{"24h": 0.3}', '{}', 0)
"""


class Said(NamedTuple):
    """One decision and what followed: `ordered_after` are hours, `told` what was reported of the message."""

    user: str
    at: float
    arm: str | None = "treatment"
    trigger: str = "cart"
    ordered_after: tuple[float, ...] = ()
    told: tuple[str, ...] = ()
    score: float | None = 0.3
    propensity: float | None = None
    horizon: str = "24h"


def write_ledger(folder, said, *, until, merged=None, excluded=()):
    """Write decisions into a new database; moments and `until` are hours after START; return its path."""
    database = open_database(folder / "opportune.db")
    keys = list(dict.fromkeys([*(each.user for each in said), *(merged or {}).values()]))
    number = {key: i for i, key in enumerate(keys, start=1)}
    with database.begin() as connection:
        for key in sorted(keys, key=lambda each: each in (merged or {})):
            into = number[merged[key]] if key in (merged or {}) else None
            moment, why = START + round(until * HOUR), "staff" if key in excluded else None
            connection.exec_driver_sql(_USER, (number[key], key, key, moment, into, why))
        for i, each in enumerate(said):
            _write(connection, i, number[each.user], each)
    database.dispose()
    return folder / "opportune.db"


def _write(connection, place, user_no, each):
    identity = f"d{place:05}"
    at = START + round(each.at * HOUR)
    action = {None: "hold", "control": "control"}.get(each.arm, "send")
    reason = {"hold": "below_threshold", "control": "control", "send": "sent"}[action]
    share = each.propensity or {"hold": 1.0, "control": 0.1, "send": 0.9}[action]
    own = f"{identity}.{each.trigger}"
    row = (own, identity, user_no, each.trigger, at, place, action, reason, each.score, each.horizon, each.arm, share)
    connection.exec_driver_sql(_DECISION, row)
    packed = np.arange(len(CATALOGUE.names), dtype="<f8").tobytes()
    connection.exec_driver_sql(_EVALUATION, (identity, user_no, at, packed, CATALOGUE.fingerprint))
    for seq, hours in enumerate(each.ordered_after):
        connection.exec_driver_sql(_OUTCOME, (own, seq, "order", 20.0, at + round(hours * HOUR)))
    for seq, kind in enumerate(each.told, start=100):
        connection.exec_driver_sql(_OUTCOME, (own, seq, kind, None, at + HOUR))


def a_campaign(*, users, rates, share=0.1, days=20, seed=1, **more):
    """Return decisions of an experiment: users come evenly over the days, and order at the rates of their arm."""
    random = np.random.default_rng(seed)
    control = random.random(users) < share
    ordered = random.random(users) < np.where(control, *rates)
    return [
        Said(
            f"user-{i}",
            at=24 * days * i / users,
            arm="control" if control[i] else "treatment",
            ordered_after=(2.0,) if ordered[i] else (),
            propensity=share if control[i] else 1 - share,
            score=float(random.random()),
            **more,
        )
        for i in range(users)
    ]


def some_units(*, users, rates, shares=(0.5, 0.5), days=30, seed=1, groups=None, covariates=None, measures=None):
    """Return units that are drawn evenly over the days, their windows over at once."""
    random = np.random.default_rng(seed)
    arm = random.choice(len(shares), users, p=shares)
    at = START + (np.arange(users) * (days * DAY / users)).astype(np.int64)
    return Units(
        arms=("control", *(f"treatment-{i}" if len(shares) > 2 else "treatment" for i in range(1, len(shares)))),
        arm=arm,
        at=at,
        matured_at=at,
        converted=random.random(users) < np.asarray(rates)[arm],
        groups=groups or {},
        covariates=covariates or {},
        measures=measures or {},
        until=START + days * DAY,
    )


def rows_of(path, query):
    """Return what a query finds in a SQLite file."""
    import sqlite3

    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
