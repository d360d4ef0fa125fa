"""How good the served scores were against what happened, beside a rule and a logistic regression on the same rows."""

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.journey import Journey
from demo.replay import Served
from features.catalog import CATALOGUE
from features.moments import DAY_US
from training.baselines import COUNT, RULE_DAYS, Logistic, compare
from training.evaluate import judge

Ints = npt.NDArray[np.int64]
_FEATURES = "SELECT decision_id, features FROM evaluations WHERE event_seq IS NULL"


def orders_between(journey: Journey, users: Ints, after: Ints, until: Ints) -> Ints:
    """Return how many baskets each of these households bought in (after, until], moments in microseconds."""
    order = np.lexsort((journey.baskets["at"].to_numpy(), journey.baskets["household_id"].to_numpy()))
    household = journey.baskets["household_id"].to_numpy()[order]
    at = journey.baskets["at"].to_numpy()[order]
    # One number orders by household first, then by moment: a year of microseconds fits below 2**45.
    base = int(min(at.min(), after.min(), until.min()))
    key = household.astype(np.int64) * (1 << 47) + (at - base)
    found = [np.searchsorted(key, users * (1 << 47) + (each - base), side="right") for each in (after, until)]
    counted: Ints = found[1] - found[0]
    return counted


def judged(journey: Journey, served: Served, database: Path, logistic: Logistic) -> dict[str, Any]:
    """Return the figures of the summary's `intent`."""
    users, at = np.array(served.users, dtype=np.int64), np.array(served.at, dtype=np.int64)
    intent = np.array(served.intent)
    ordered = orders_between(journey, users, at, at + DAY_US) > 0
    recent = orders_between(journey, users, at - RULE_DAYS * DAY_US, at)
    features = _features(database, served.decision_ids)
    columns = [CATALOGUE.names.index(name) for name in logistic.features]
    beside = compare(
        intent,
        logistic.predict(features[:, columns]),
        features[:, CATALOGUE.names.index(COUNT)],
        recent,
        ordered,
    )
    figures = asdict(judge(intent, ordered))
    return {**figures, "baselines": beside}


def _features(database: Path, decision_ids: list[str]) -> npt.NDArray[np.float64]:
    """Return the feature vectors as served, from the ledger."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        kept = dict(connection.execute(_FEATURES))
    joined = b"".join(kept[each] for each in decision_ids)
    return np.frombuffer(joined, dtype="<f8").reshape(len(decision_ids), -1)
