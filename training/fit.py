"""Fit a booster: small-data regularisation, directions from the catalogue, early stopping on a later window."""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_TREES = 600
PATIENCE = 40
FEW_POSITIVES = 2_000


@dataclass(frozen=True)
class Rows:
    """Feature rows in the order of their moments, and what followed.

    Attributes:
        features: Of shape (n, features).
        ordered: Of shape (n,).
        user: Whose row it is, so that rows of one person are not taken for independent.
        at: Microseconds since the epoch.
        weight: How many rows each stands for, of shape (n,); None where each stands for itself.
    """

    features: Floats
    ordered: Bools
    user: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]
    weight: Floats | None = None

    def where(self, chosen: Bools) -> "Rows":
        """Return the chosen rows."""
        weight = None if self.weight is None else self.weight[chosen]
        return Rows(self.features[chosen], self.ordered[chosen], self.user[chosen], self.at[chosen], weight)

    def columns(self, chosen: list[int]) -> "Rows":
        """Return the same rows with these features only, in this order."""
        return replace(self, features=self.features[:, chosen])

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of features, outcomes, people, moments and weights: the same for the same rows in the same order."""
        digest = hashlib.sha256()
        # A gap is a gap, whatever its bits.
        features = np.where(np.isnan(self.features), np.nan, self.features)
        weight = np.ones(len(self)) if self.weight is None else self.weight
        for each in (features, self.ordered, self.user, self.at, weight):
            digest.update(np.ascontiguousarray(each).data)
        return digest.hexdigest()[:16]


def parameters(rows: Rows, directions: list[int], seed: int) -> dict[str, Any]:
    """Return LightGBM's parameters for so many rows: the fewer purchases there are, the less a tree may say.

    No weights of classes and no `is_unbalance`: they would undo the calibration.
    """
    positives = int(rows.ordered.sum())
    few = positives < FEW_POSITIVES
    return {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 7 if few else 15,
        "min_data_in_leaf": int(np.clip(len(rows) // 200, 20, 200)),
        "lambda_l2": 20.0 if few else 10.0,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 127,
        "monotone_constraints": directions,
        "monotone_constraints_method": "intermediate",
        "num_threads": int(os.environ.get("OMP_NUM_THREADS", "1")),
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }


def fit(train: Rows, valid: Rows, parameters: dict[str, Any], names: list[str]) -> lgb.Booster:
    """Return a booster with as many trees as serve the later window `valid` best by log-loss."""
    learned = lgb.Dataset(
        train.features, train.ordered.astype(np.float64), weight=train.weight, feature_name=names, free_raw_data=False
    )
    judged = lgb.Dataset(valid.features, valid.ordered.astype(np.float64), weight=valid.weight, reference=learned)
    stopping = lgb.early_stopping(PATIENCE, verbose=False)
    booster = lgb.train(
        {**parameters, "metric": "binary_logloss"}, learned, MOST_TREES, valid_sets=[judged], callbacks=[stopping]
    )
    return _cut(booster, max(booster.best_iteration, 1))


def refit(rows: Rows, trees: int, parameters: dict[str, Any], names: list[str]) -> lgb.Booster:
    """Return a booster of so many trees, learned from all matured rows: what goes into service."""
    data = lgb.Dataset(rows.features, rows.ordered.astype(np.float64), weight=rows.weight, feature_name=names)
    return lgb.train(parameters, data, trees)


def log_odds(booster: lgb.Booster, rows: Rows) -> Floats:
    """Return the raw log-odds of each row."""
    return np.asarray(booster.predict(rows.features, raw_score=True, num_threads=1), dtype=np.float64)


def _cut(booster: lgb.Booster, trees: int) -> lgb.Booster:
    """Return the booster without the trees that early stopping looked at in vain."""
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=trees))
