"""Models of uplift that a test makes up: whoever has bought is put off, everybody else persuaded."""

import lightgbm as lgb
import numpy as np

from features.catalog import CATALOGUE
from models.uplift_bundle import load, write

ORDERS = CATALOGUE.names.index("orders")
NAMES = CATALOGUE.names


def texts(seed=0):
    """Return the text of a model of half a point for who never bought, and of its opposite for who did."""
    known = np.random.default_rng(seed).integers(0, 3, (2000, 1 + len(NAMES))).astype(np.float64)
    adds = np.where(known[:, 1 + ORDERS] > 0, -0.005, 0.005)
    settings = {"objective": "regression", "num_leaves": 2, "learning_rate": 1.0, "verbosity": -1, "num_threads": 1}
    return [lgb.train(settings, lgb.Dataset(known, adds), 1).model_to_string()]


def a_bundle(directory, *, trigger="warm-cart", learner="DR-learner", horizon="24h", pays=0.004, models=None):
    """Write a bundle and return where it is."""
    write(
        directory,
        texts() if models is None else models,
        trigger=trigger,
        horizon=horizon,
        learner=learner,
        features=NAMES,
        pays=pays,
        created_at="2026-01-01T00:00:00Z",
        lineage={"log": "abc"},
    )
    return directory


def a_model(directory, *, version="1", **fields):
    """Return the model of such a bundle, which is left behind."""
    return load(a_bundle(directory, **fields), version=version)
