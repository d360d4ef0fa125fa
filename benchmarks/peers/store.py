"""The peers' feature store: a plain Feast repository with one column a feature, filled and trained on once."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64, String

from benchmarks.payloads import user_name
from features.catalog import CATALOGUE

PEER_USERS = 10_000
"""Fewer than our 100,000: a column store of Feast's takes a row for each of them and feature, minutes to fill."""

YAML = """
project: peer
registry: {registry}
provider: local
online_store:
  type: sqlite
  path: {online}
offline_store:
  type: duckdb
entity_key_serialization_version: 3
"""


def features_of(rows: int, *, seed: int) -> pd.DataFrame:
    """Return made-up features, one column each; a peer's speed does not depend on their values."""
    drawn = np.random.default_rng(seed).gamma(1.0, 2.0, (rows, CATALOGUE.n_features))
    return pd.DataFrame(drawn, columns=list(CATALOGUE.names))


def make(folder: Path) -> None:
    """Create the repository and fill its online store."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = YAML.format(registry=folder / "registry.db", online=folder / "online.db")
    (folder / "feature_store.yaml").write_text(text)
    rows = features_of(PEER_USERS, seed=1)
    rows.insert(0, "user_id", [user_name(number) for number in range(PEER_USERS)])
    rows["event_timestamp"] = rows["created"] = datetime.now(UTC)
    rows.to_parquet(folder / "rows.parquet")
    source = FileSource(
        name="rows",
        path=str(folder / "rows.parquet"),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="user",
        entities=[user],
        schema=[Field(name="user_id", dtype=String), *(Field(name=name, dtype=Float64) for name in CATALOGUE.names)],
        source=PushSource(name="pushed", batch_source=source),
    )
    store = FeatureStore(str(folder))
    store.apply([user, view, FeatureService(name="intent", features=[view])])
    store.write_to_online_store("user", rows)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
