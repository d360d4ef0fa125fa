"""Small real models on disk, and rows to predict for."""

import json
from functools import cache

import lightgbm as lgb
import numpy as np

from features.catalog import CATALOGUE
from models.bundle import write
from models.calibration import Identity

FEATURES = ("order_age_d", "orders_hl30d", "cart_items")
NAME = "opportune-intent-24h"


def some_rows(count=200, seed=1):
    """Return rows of the whole catalogue, with a few gaps."""
    random = np.random.default_rng(seed)
    rows = random.lognormal(0.0, 1.0, (count, CATALOGUE.n_features))
    rows[random.random(rows.shape) < 0.05] = np.nan
    return rows


def columns(features=FEATURES):
    """Return where these features are in a row of the catalogue."""
    return [CATALOGUE.names.index(each) for each in features]


@cache
def a_booster(features=FEATURES, trees=12):
    """Return a small booster that has learned something."""
    rows = some_rows(600)[:, columns(features)]
    ordered = np.nan_to_num(rows[:, 1]) + np.random.default_rng(2).normal(0, 0.5, 600) > 1.0
    parameters = {"objective": "binary", "num_leaves": 5, "num_threads": 1, "verbosity": -1, "min_data_in_leaf": 20}
    data = lgb.Dataset(rows, ordered.astype(float), feature_name=list(features))
    return lgb.train(parameters, data, trees)


def a_bundle(directory, *, calibration=None, name=NAME, horizon="24h", features=FEATURES, reference=None):
    """Write a bundle and return where it is."""
    write(
        directory,
        a_booster(features).model_to_string(),
        Identity() if calibration is None else calibration,
        name=name,
        horizon=horizon,
        features=features,
        created_at="2026-01-01T00:00:00Z",
        lineage={"catalogue": CATALOGUE.fingerprint},
        reference=reference,
    )
    return directory


def change_manifest(directory, change):
    """Let `change` edit the manifest in place."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def change_model(directory, change):
    """Rewrite the model's text and put its new digest in the manifest, as a careless edit would."""
    from models.manifest import sha256

    path = directory / "model.txt"
    path.write_text(change(path.read_text()))
    change_manifest(directory, lambda manifest: manifest["model"].update(sha256=sha256(path)))
