"""Backfill: from a log to features of decision points, ours against pandas and DuckDB; figures as JSON on stdout.

`python -m benchmarks.backfill <database> <scratch folder>`. The contest is one job for all: read the same Parquet log,
compute features of the same decision points (one event in ten), write them as Parquet. Besides: the kernel alone over
arrays, and the product's own way from the database to Parquet states.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.backfills import comparable, duckdb_join, pandas_group_by, pandas_join
from benchmarks.backfills.comparable import COLUMNS, COMPARABLE
from features.catalog import CATALOGUE
from features.events import FLAG_MACHINE, RECORD_WIDTH
from features.fold import UNLINKED, LogArrays, fold, read_rows
from features.layout import Floats, Ints
from training.log import read_log
from training.offline import write_states

POINTS_SHARE = 0.1
GROUP_BY_USERS = 200
"""For so many people the group-by is timed, and taken to be as fast for all: it does each of them by itself."""


def measure(database: Path, folder: Path) -> dict[str, Any]:
    """Return the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    log = read_log(database)
    arrays, events = log.arrays, len(log.arrays)
    rows = decision_rows(events)
    fold(arrays, rows[:1])
    read_rows(fold(arrays, rows[:1]), arrays.known_at[rows[:1]])

    kernel_s = timed(lambda: fold(arrays, rows), repeat=3)
    whole_s = timed(lambda: through_the_log(database, rows, folder))
    table = comparable.frame(arrays)
    points = table.loc[rows, ["user", "seq", "at"]].rename(columns={"at": "asked_at"}).reset_index(drop=True)
    table.to_parquet(folder / "log.parquet", index=False)
    points.rename_axis("point").reset_index().to_parquet(folder / "points.parquet", index=False)

    ours_s = timed(lambda: ours(folder), repeat=3)
    duckdb_s = timed(lambda: duckdb_join.write(*paths(folder, "duckdb")), repeat=2)
    join_s = timed(lambda: by_pandas(pandas_join.features, *paths(folder, "pandas")))
    few = folder / "few"
    few.mkdir(exist_ok=True)
    table[table.user < GROUP_BY_USERS].to_parquet(few / "log.parquet", index=False)
    points[points.user < GROUP_BY_USERS].rename_axis("point").reset_index().to_parquet(
        few / "points.parquet", index=False
    )
    group_by_s = timed(lambda: by_pandas(pandas_group_by.features, *paths(few, "pandas")))
    group_by_s *= events / int((table.user < GROUP_BY_USERS).sum())
    return {
        "events": events,
        "points": int(rows.size),
        "features": {"ours": CATALOGUE.n_features, "others": len(COMPARABLE)},
        "kernel_events_per_s": round(events / kernel_s),
        "end_to_end_events_per_s": round(events / whole_s),
        "same_job_events_per_s": {
            "ours": round(events / ours_s),
            "duckdb": round(events / duckdb_s),
            "pandas_join": round(events / join_s),
            "pandas_group_by": round(events / group_by_s),
        },
        "equal": {
            "duckdb": equal(folder / "ours.parquet", folder / "duckdb.parquet"),
            "pandas_join": equal(folder / "ours.parquet", folder / "pandas.parquet"),
        },
    }


def decision_rows(events: int) -> Ints:
    """Return the rows whose moments are asked for, ascending."""
    chosen = np.random.default_rng(5).choice(events, int(events * POINTS_SHARE), replace=False)
    return np.sort(chosen)


def timed(job: Callable[[], object], *, repeat: int = 1) -> float:
    """Return the seconds of the fastest of so many runs."""
    taken = []
    for _ in range(repeat):
        begin = time.perf_counter()
        job()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def through_the_log(database: Path, rows: Ints, folder: Path) -> None:
    """Do what `make retrain` does: the log out of the database, states at decision points into Parquet."""
    log = read_log(database)
    write_states(log, log.arrays.user[rows], log.arrays.known_at[rows], folder / "states")


def paths(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Return log, points and where the features go."""
    return folder / "log.parquet", folder / "points.parquet", folder / f"{name}.parquet"


def ours(folder: Path) -> None:
    """Fold the Parquet log and read all features of the catalogue at the points."""
    log_path, points_path, to = paths(folder, "ours")
    table, points = pq.read_table(log_path), pq.read_table(points_path)
    log = arrays_of(table)
    rows = np.searchsorted(pack_place(log.user, log.seq), pack_place(*(points[c].to_numpy() for c in ("user", "seq"))))
    features = read_rows(fold(log, rows), points["asked_at"].to_numpy())
    pq.write_table(pa.table(dict(zip(CATALOGUE.names, features.T.copy(), strict=True))), to)


def pack_place(user: Ints, seq: Ints) -> Ints:
    """Return numbers that order events by person and then by position."""
    return user << 32 | seq


def arrays_of(table: pa.Table) -> LogArrays:
    """Return the columns of `comparable.frame` as the fold wants them."""
    records = np.zeros((table.num_rows, RECORD_WIDTH))
    places = {
        "occurred_at": 0,
        "kind": 1,
        "utc_offset_s": 3,
        "amount": 4,
        "quantity": 5,
        "discount": 6,
        "items": 8,
        "one": 9,
    }
    for name, column in {**places, "product": 7}.items():
        records[:, column] = table[name].to_numpy()
    records[:, 2] = np.where(table["machine"].to_numpy(), FLAG_MACHINE, 0)
    user, seq, at = (table[name].to_numpy() for name in ("user", "seq", "at"))
    return LogArrays(user, at, seq, records, np.full(user.size, UNLINKED))


def by_pandas(compute: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame], log: Path, points: Path, to: Path) -> None:
    """Read, compute, write."""
    compute(pd.read_parquet(log), pd.read_parquet(points).drop(columns="point")).to_parquet(to)


def equal(ours_path: Path, theirs_path: Path) -> bool:
    """Whether the others computed the same numbers, to a millionth."""
    theirs = pd.read_parquet(theirs_path)
    expected: Floats = pd.read_parquet(ours_path)[[CATALOGUE.names[column] for column in COLUMNS]].to_numpy(float)
    return bool(np.allclose(expected, theirs.to_numpy(float), rtol=1e-6, atol=1e-6, equal_nan=True))


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]))))
