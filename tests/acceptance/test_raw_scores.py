"""What a model said before its calibrator is in the ledger, where the two differ."""

import json

import numpy as np
import pandas as pd
import pytest

from models.bundle import load
from models.calibration import Platt, sigmoid
from serving.scorer import MEANINGS, scorer
from tests.models.bundles import a_bundle
from tests.serving.engines import Shop, event
from tests.serving.test_shadow import asked, carts
from training.ledger_export import main

KEPT = "SELECT scores, raw_scores, features FROM evaluations ORDER BY decision_id"


@pytest.fixture
def models(tmp_path):
    """A model whose calibrator halves its log-odds, and one without."""
    calibrated = load(a_bundle(tmp_path / "1", calibration=Platt(0.5, -0.2)))
    return {"24h": calibrated, "7d": load(a_bundle(tmp_path / "2", name="opportune-intent-7d", horizon="7d"))}


async def test_both_are_kept_of_a_model_with_a_calibrator_and_one_of_any_other(tmp_path, models):
    shop = Shop(tmp_path)
    shop.engine.replace_models(scorer(models, MEANINGS))
    await asked(shop, *carts())
    kept = shop.rows(KEPT)
    shop.close()

    rows = np.array([np.frombuffer(features) for *_, features in kept])
    raw = sigmoid(models["24h"].log_odds(rows))
    log_odds = np.log(raw / (1 - raw))
    assert [json.loads(each) for _, each, _ in kept] == [{"24h": each} for each in raw.tolist()]
    assert [json.loads(each)["24h"] for each, *_ in kept] == pytest.approx(sigmoid(0.5 * log_odds - 0.2).tolist())


async def test_where_no_model_has_a_calibrator_nothing_is_kept_twice(tmp_path, models):
    shop = Shop(tmp_path)
    shop.engine.replace_models(scorer({"7d": models["7d"]}, MEANINGS))
    await asked(shop, *carts())

    assert {raw for _, raw, _ in shop.rows(KEPT)} == {None}
    shop.close()


async def test_they_are_handed_out_with_the_decisions(tmp_path, models, monkeypatch):
    shop = Shop(tmp_path)
    shop.engine.replace_models(scorer({"24h": models["24h"]}, MEANINGS))
    await asked(shop, event("Product Added", "u", 0, properties={"product_id": "p", "price": 20, "quantity": 1}))
    (kept,) = shop.rows(KEPT)
    shop.close()
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    assert main(["parquet"]) == 0
    (found,) = pd.read_parquet(tmp_path / "exports" / "ledger.parquet")["raw_scores"]
    assert json.loads(found) == json.loads(kept[1])
