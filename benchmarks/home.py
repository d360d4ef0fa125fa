"""An OPPORTUNE_HOME with a past: 100,000 people, about a million events, their states, a model, and an API key.

`python -m benchmarks.home <folder>`. The log goes in by the tables, not through the importer, whose speed is not the
question here; states are folded from it and written through the online store as the server does it.
"""

import hashlib
import json
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import lightgbm
import numpy as np

from benchmarks.payloads import user_name
from benchmarks.shop import Shop, made_up
from features.catalog import CATALOGUE
from features.events import KIND
from features.fold import LogArrays, fold, read_rows
from features.kinds import NAMES, Kind
from features.layout import Ints
from features.state import pack_all
from models import bundle
from models.calibration import Platt
from models.manifest import POINTER
from serving.database import open_database
from serving.keys import SCOPES, create_key
from serving.schema import metadata

USERS, EVENTS_PER_USER = 100_000, 10.0
PAYLOAD = json.dumps({"properties": {"product_id": "p-17", "category": "shoes", "price": 59.9, "quantity": 1}})
CHUNK = 20_000
HORIZONS = {"24h": 86_400, "7d": 604_800}
TREES, TRAINING_ROWS = 300, 10_000
PARAMETERS = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "num_threads": 1, "verbose": -1}


def stamp() -> str:
    """Return what the content depends on: catalogue, layout, tables and the size asked for."""
    tables = [(table.name, [column.name for column in table.columns]) for table in metadata.sorted_tables]
    parts = (CATALOGUE.fingerprint, CATALOGUE.layout_fingerprint, tables, USERS, EVENTS_PER_USER)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def make(folder: Path) -> None:
    """Fill `folder`, unless it is as it should be."""
    mark = folder / "bench.json"
    if mark.exists() and json.loads(mark.read_text())["stamp"] == stamp():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shop = made_up(users=USERS, events_per_user=EVENTS_PER_USER, until_us=time.time_ns() // 1000)
    log = shop.arrays()
    key = write_log(folder / "opportune.db", shop)
    write_states(folder, log)
    write_models(folder, log)
    mark.write_text(json.dumps({"stamp": stamp(), "key": key, "users": USERS, "events": len(shop)}))


def write_log(path: Path, shop: Shop) -> str:
    """Create the database, fill it, and return the API key that opens everything."""
    database = open_database(path)
    with database.begin() as writing:
        key = create_key(writing, "bench", SCOPES, created_at=int(shop.known_at[-1]))
    database.dispose()
    last = np.zeros(shop.users, dtype=np.int64)
    last[shop.user] = np.arange(1, len(shop) + 1)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    known_at = shop.known_at.tolist()
    connection.executemany(
        "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at, timezone) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (number + 1, user_name(number), user_name(number), seq, known_at[seq - 1], "Europe/Amsterdam")
            for number, seq in enumerate(last.tolist())
        ),
    )
    for begin in range(0, len(shop), CHUNK):
        connection.executemany(INSERT, _event_rows(shop, begin))
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return key


INSERT = """
INSERT INTO events
(seq, user_no, message_id, known_at, occurred_at, received_at, kind, name, origin, record, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'import', ?, ?)
"""


def _event_rows(shop: Shop, begin: int) -> list[tuple[object, ...]]:
    end = min(begin + CHUNK, len(shop))
    records, users, moments = shop.records[begin:end], shop.user[begin:end].tolist(), shop.known_at[begin:end].tolist()
    kinds = records[:, KIND].astype(int).tolist()
    return [
        (
            begin + row + 1,
            users[row] + 1,
            f"shop-{begin + row:09d}",
            moments[row],
            moments[row],
            moments[row],
            kinds[row],
            NAMES[Kind(kinds[row])],
            records[row].tobytes(),
            PAYLOAD,
        )
        for row in range(end - begin)
    ]


def last_rows(log: LogArrays) -> Ints:
    """Return the row of each person's last event, ascending."""
    return np.flatnonzero(np.append(np.diff(log.user) != 0, True))


def write_states(folder: Path, log: LogArrays) -> None:
    """Fold everybody's state and write it where the server reads it."""
    from serving.online import OnlineStates

    points = last_rows(log)
    states = fold(log, points)
    people, moments = log.user[points].tolist(), log.known_at[points].tolist()
    rows = list(zip(map(user_name, people), pack_all(states), moments, strict=True))
    with closing(OnlineStates(folder)) as online:
        for begin in range(0, len(rows), CHUNK):
            online.write(rows[begin : begin + CHUNK])


def write_models(folder: Path, log: LogArrays) -> None:
    """Fit 300 trees for each horizon on all features of the catalogue, and make them champions."""
    drawn = np.random.default_rng(3)
    end = int(log.known_at.max())
    pointer = {}
    for horizon, seconds in HORIZONS.items():
        over = np.flatnonzero(log.known_at < end - seconds * 1_000_000)
        rows = np.sort(drawn.choice(over, TRAINING_ROWS, replace=False))
        features = read_rows(fold(log, rows), log.known_at[rows])
        label = orders_within(log, rows, seconds)
        sample = lightgbm.Dataset(features, label, feature_name=list(CATALOGUE.names))
        booster = lightgbm.train(PARAMETERS, sample, TREES)
        name = f"opportune-intent-{horizon}"
        bundle.write(
            folder / "bundles" / name / "1",
            booster.model_to_string(),
            Platt(1.0, 0.0),
            name=name,
            horizon=horizon,
            features=CATALOGUE.names,
            created_at="2026-01-01T00:00:00Z",
            lineage={"made_by": "benchmarks"},
        )
        pointer[horizon] = {"name": name, "version": "1", "path": f"{name}/1"}
    (folder / "bundles" / POINTER).write_text(json.dumps(pointer))


def orders_within(log: LogArrays, rows: Ints, seconds: int) -> Ints:
    """Return 1 for each row after which the same person orders within so many seconds, else 0."""
    ordered = np.flatnonzero(log.records[:, KIND] == Kind.ORDER_COMPLETED)
    following = np.minimum(np.searchsorted(ordered, rows, side="right"), ordered.size - 1)
    following = ordered[following]
    soon = log.known_at[following] - log.known_at[rows] <= seconds * 1_000_000
    found: Ints = ((log.user[following] == log.user[rows]) & (following > rows) & soon).astype(np.int64)
    return found


if __name__ == "__main__":
    make(Path(sys.argv[1]))
