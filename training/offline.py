"""The offline side of Feast: states written as Parquet, and features read back as of any moment."""

import tempfile
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from features.catalog import CATALOGUE
from features.fold import LogArrays, fold
from features.state import empty, pack
from training.log import Floats, Ints, Log

ROWS_AT_ONCE = 500_000
STATES_AT_ONCE = 25_000
POINTS_AT_ONCE = 50_000
"""More of them take gigabytes."""
POINTS_OF_A_USER = 8
COPIES_AT_ONCE = 600_000
"""Feast's join holds a copy of each state for each later point of its user, which is the square of the points of one
user. So a join begins with a few points of everybody, and takes more only as long as these are not too many.
"""

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [("user_key", pa.string()), ("state", pa.binary()), ("event_timestamp", MOMENT), ("created_timestamp", MOMENT)]
)


def asked(log: Log, users: Ints, at_us: Ints) -> pd.DataFrame:
    """Return `row_id`, `user_key` and `at_us` for each user index and moment: what `historical_features` is asked.

    An id that was linked to another by then is asked under the key of the one it belonged to.
    """
    keys = pa.array(log.user_keys, pa.string()).take(pa.array(log.owners(users, at_us)))
    return pd.DataFrame({"row_id": np.arange(users.size), "user_key": keys.to_pandas(), "at_us": at_us})


def write_states(log: Log, users: Ints, at_us: Ints, directory: Path) -> Path:
    """Write the state that each user index had at each moment (µs), once where several moments share it.

    Both timestamps of a state are the moment its last event became known. Whoever had no event yet has an empty state,
    stamped with the first moment asked.

    Returns:
        `states.parquet` in `directory`, with the columns `user_key`, `state`, `event_timestamp`, `created_timestamp`.
    """
    owners = log.owners(users, at_us)
    rows = log.last_rows(owners, at_us)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "states.parquet"
    keys = pa.array(log.user_keys, pa.string())
    unfinished = path.with_suffix(".unfinished")
    with pq.ParquetWriter(unfinished, SCHEMA, use_dictionary=["user_key"], write_statistics=False) as writer:
        writer.write_table(_newcomers(keys, owners[rows < 0], at_us[rows < 0]))
        for part, points in _slices(log, np.unique(rows[rows >= 0])):
            states = fold(part, points)
            packed = pa.array([pack(state) for state in states], pa.binary())
            writer.write_table(_table(keys.take(pa.array(part.user[points])), packed, part.known_at[points]))
    return unfinished.replace(path)


def historical_features(path: Path, points: pd.DataFrame) -> Floats:
    """Return the features of each point, of shape (points, n_features), through Feast's `get_historical_features`.

    Args:
        path: What `write_states` wrote.
        points: `row_id` (0 to len(points) - 1 in any order), `user_key` and `at_us`.

    Returns:
        Rows by `row_id`, columns in the catalogue's order; NaN where the user has no state by then.
    """
    features = np.full((len(points), CATALOGUE.n_features), np.nan)
    if points.empty:
        return features
    states = ds.dataset(path, format="parquet")
    latest = _latest(states.to_table(columns=["user_key", "event_timestamp"]), points)
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        history = _History(Path(scratch))
        for chunk in _chunks(points, latest):
            needed = np.unique(latest[chunk])
            found = history.join(states.take(pa.array(needed[needed >= 0])), points.iloc[chunk])
            features[found["row_id"].to_numpy()] = np.column_stack([found[name].to_numpy() for name in CATALOGUE.names])
    return features


class _History:
    """Feast over one Parquet file of states after another, with a registry of its own."""

    def __init__(self, directory: Path) -> None:
        # Seconds to import, and only whoever joins pays for it.
        from feature_repo.declarations import intent, user, user_features, user_state
        from feature_repo.stores import open_store

        # Feast warns at every call that on-demand views are new to it, and its DuckDB client of its own next version.
        warnings.simplefilter("ignore")
        self._directory = directory
        self._store = open_store(directory)
        self._store.apply([user, user_state, user_features, intent])
        self._parts = 0

    def join(self, states: pa.Table, points: pd.DataFrame) -> pa.Table:
        """Return `row_id` and every feature for each of the points."""
        from feature_repo.declarations import state_view

        path = self._directory / f"states-{self._parts}.parquet"
        self._parts += 1
        pq.write_table(states, path, compression="none")
        self._store.registry.apply_feature_view(state_view(path), self._store.project, commit=True)
        entities = pd.DataFrame(
            {
                "row_id": points["row_id"].to_numpy(),
                "user_key": points["user_key"].to_numpy(),
                "event_timestamp": pd.to_datetime(points["at_us"].to_numpy(), unit="us", utc=True),
                "as_of": points["at_us"].to_numpy(),
            }
        )
        job = self._store.get_historical_features(
            entities, self._store.get_feature_service("intent"), filter_by_created_timestamp=True
        )
        found = job.to_arrow()
        path.unlink()
        return found


def _table(keys: pa.Array, packed: pa.Array, at_us: Ints) -> pa.Table:
    moments = pa.array(at_us).cast(MOMENT)
    return pa.Table.from_arrays([keys, packed, moments, moments], schema=SCHEMA)


def _newcomers(keys: pa.Array, owners: Ints, at_us: Ints) -> pa.Table:
    order = np.lexsort((at_us, owners))
    who, first = np.unique(owners[order], return_index=True)
    packed = pa.array([pack(empty())] * who.size, pa.binary())
    return _table(keys.take(pa.array(who)), packed, at_us[order][first])


def _slices(log: Log, points: Ints) -> Iterator[tuple[LogArrays, Ints]]:
    """Yield parts of the log that no link crosses and that have points, and the points as rows of the part."""
    rows = log.arrays
    starts = np.flatnonzero(np.diff(log.components, prepend=-1))
    load = starts // ROWS_AT_ONCE + np.searchsorted(points, starts) // STATES_AT_ONCE
    cuts = [*starts[np.unique(load, return_index=True)[1]].tolist(), len(rows)]
    for begin, end in pairwise(cuts):
        inside = points[np.searchsorted(points, begin) : np.searchsorted(points, end)]
        if inside.size:
            part = slice(begin, end)
            yield rows.take(part), inside - begin


def _latest(states: pa.Table, points: pd.DataFrame) -> Ints:
    """Return for each point the row of its user's last state by then, -1 where there is none."""
    keys = states["user_key"].combine_chunks().dictionary_encode()
    users = pc.index_in(pa.array(points["user_key"], pa.string()), keys.dictionary)
    code = np.concatenate([keys.indices.to_numpy(), users.fill_null(-1).to_numpy()])
    at = np.concatenate([states["event_timestamp"].cast(pa.int64()).to_numpy(), points["at_us"].to_numpy()])
    is_state = np.arange(code.size) < len(states)
    order = np.lexsort((~is_state, at, code))
    seen = np.maximum.accumulate(np.where(is_state[order], np.arange(code.size), -1))
    state = np.where(seen >= 0, order[np.maximum(seen, 0)], -1)
    state = np.where((state >= 0) & (code[state] == code[order]), state, -1)
    latest = np.empty(code.size, dtype=np.int64)
    latest[order] = state
    return latest[len(states) :]


def _chunks(points: pd.DataFrame, latest: Ints) -> Iterator[npt.NDArray[np.int64]]:
    """Yield positions of points, so many at once, and of one user so few that the join's copies stay in bounds."""
    user = pd.factorize(points["user_key"])[0]
    place = points.groupby(user, sort=False).cumcount().to_numpy()
    turn = place // POINTS_OF_A_USER
    order = np.lexsort((latest, turn))
    begin = 0
    while begin < order.size:
        part = order[begin : begin + POINTS_AT_ONCE]
        copies = np.cumsum(place[part] - turn[part[0]] * POINTS_OF_A_USER + 1)
        end = max(int(np.searchsorted(copies, COPIES_AT_ONCE, side="right")), 1)
        yield part[:end]
        begin += end
