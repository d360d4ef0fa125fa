"""The straightforward service: FastAPI, the Feast SDK's `push` and `get_online_features`, a Booster on a DataFrame.

Everything it leaves out makes it faster than an honest one: it keeps no log (nothing is durable), computes no feature
(the event adds one to every column of a row that it remembers), decides nothing. The registry is cached, the service
resolved once, the handlers run without FastAPI's thread pool, which made it slower.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightgbm
import pandas as pd
from fastapi import FastAPI, Request
from feast import FeatureStore

from benchmarks.peers.ceiling import Answer, Asked, Model, check, freeze
from benchmarks.peers.store import features_of
from features.catalog import CATALOGUE

STORE = FeatureStore(os.environ["BENCH_FEAST"])
SERVICE = STORE.get_feature_service("intent")
BOOSTER = lightgbm.Booster(model_file=Path(os.environ["BENCH_MODEL"]), params={"num_threads": 1})
REMEMBERED = features_of(1, seed=2)
COLUMNS = list(CATALOGUE.names)
MODEL = Model(name="straightforward", version="1", calibrated=False)

app = FastAPI(lifespan=freeze)


@app.get("/readyz")
async def ready() -> dict[str, bool]:
    """Say so."""
    return {"ready": True}


@app.post("/v1/score")
async def score(asked: Asked, request: Request) -> Answer:
    """Push the event's features if there is one, read the features, predict."""
    check(request.headers.get("authorization", ""))
    if asked.event is not None:
        push(asked.user_id)
    found: dict[str, list[Any]] = STORE.get_online_features(
        features=SERVICE, entity_rows=[{"user_id": asked.user_id}]
    ).to_dict()
    intent = float(BOOSTER.predict(pd.DataFrame(found)[COLUMNS].astype(float), num_threads=1)[0])
    return Answer(
        user_id=asked.user_id,
        at=datetime.now(UTC).isoformat(),
        intent={"24h": intent},
        models={"24h": MODEL},
        policy_version="none",
        decisions=[],
    )


def push(user_id: str) -> None:
    """Write one row to the online store the way the documentation shows."""
    row = REMEMBERED + 1
    row.insert(0, "user_id", [user_id])
    row["event_timestamp"] = row["created"] = datetime.now(UTC)
    STORE.push("pushed", row)
