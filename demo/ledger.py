"""What the ledger holds after the replay: decisions by reason, deliveries and outcomes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

_DECISIONS = "SELECT action, reason, count(*) FROM decisions GROUP BY action, reason"
_DISPATCH = "SELECT (delivered_at - created_at) / 1e6 FROM outbox WHERE status = 'delivered'"
_WAITING = "SELECT count(*) FROM outbox WHERE status = 'pending'"
_DUE_SEGMENTS = """
SELECT count(*) FROM segment_looks WHERE due_at IS NOT NULL AND due_at <= (SELECT max(last_known_at) FROM users)
"""
_OUTCOMES = "SELECT count(DISTINCT trigger_decision_id) FROM outcomes WHERE kind = 'order'"


def decisions(database: Path) -> dict[str, Any]:
    """Return how many decisions sent, withheld for comparison, and held back by reason."""
    found: dict[str, Any] = {"send": 0, "control": 0, "hold": {}}
    for action, reason, count in _rows(database, _DECISIONS):
        if action == "hold":
            found["hold"][reason] = count
        else:
            found[action] += count
    return found


def dispatch(database: Path) -> dict[str, Any]:
    """Return how many messages were delivered, and the seconds from decision to delivery."""
    delays = np.array([row[0] for row in _rows(database, _DISPATCH)])
    p50, p99 = np.percentile(delays, [50, 99]) if delays.size else (None, None)
    return {
        "delivered": int(delays.size),
        "p50_s": None if p50 is None else round(float(p50), 4),
        "p99_s": None if p99 is None else round(float(p99), 4),
    }


def waiting(database: Path) -> int:
    """Return how many messages are not delivered yet."""
    return int(_rows(database, _WAITING)[0][0])


def due_segments(database: Path) -> int:
    """Return how many people's segments the passing of time may have changed since they were looked at."""
    return int(_rows(database, _DUE_SEGMENTS)[0][0])


def attributed(database: Path) -> int:
    """Return how many decisions, sent or withheld, were followed by a purchase within their horizon."""
    return int(_rows(database, _OUTCOMES)[0][0])


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()
