"""What a model must beat on the same rows: a logistic regression, a rule of thumb and a single count."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.calibration import sigmoid
from models.manifest import BundleRefused
from training.evaluate import AtBudget, at_budget, highest, judge
from training.fit import Rows

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RULE_ORDERS = 2
RULE_DAYS = 7
COUNT = "orders_hl90d"


@dataclass(frozen=True)
class Logistic:
    """A logistic regression on standardised features, gaps filled with medians; plain numbers, so that it can be kept.

    Attributes:
        features: What it reads, by name.
        medians: What stands in for "no answer".
        means: Of each filled feature.
        scales: Standard deviation of each filled feature.
        weights: One a feature.
        intercept: In log-odds.
    """

    features: list[str]
    medians: list[float]
    means: list[float]
    scales: list[float]
    weights: list[float]
    intercept: float

    @classmethod
    def fit(cls, rows: Rows, names: list[str]) -> Self:
        """Return the regression of `rows`, whose columns have these names."""
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        filled = imputer.fit_transform(rows.features)
        scaler = StandardScaler()
        fitted = LogisticRegression(C=1.0, max_iter=300).fit(scaler.fit_transform(filled), rows.ordered, rows.weight)
        return cls(
            features=names,
            medians=np.nan_to_num(imputer.statistics_).tolist(),
            means=scaler.mean_.tolist(),
            scales=scaler.scale_.tolist(),
            weights=fitted.coef_[0].tolist(),
            intercept=float(fitted.intercept_[0]),
        )

    def predict(self, features: Floats) -> Floats:
        """Return the probabilities, of shape (n,), for its own features, of shape (n, len(features))."""
        filled = np.where(np.isnan(features), self.medians, features)
        scaled = (filled - np.array(self.means)) / np.array(self.scales)
        return sigmoid(scaled @ np.array(self.weights) + self.intercept)

    def write(self, path: Path) -> None:
        """Keep the regression as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write` kept (BundleRefused: it is damaged)."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise BundleRefused(f"{path.name} is damaged: {error}") from error


def compare(
    predicted: Floats,
    logistic: Floats,
    counts: Floats,
    recent_orders: npt.NDArray[np.int64],
    ordered: Bools,
    weight: Floats | None = None,
) -> dict[str, dict[str, Any]]:
    """Return how the baselines did, and the model at the rule's budget; all arguments of shape (n,).

    Args:
        predicted: By the model.
        logistic: By the logistic regression.
        counts: The single count.
        recent_orders: Orders in the seven days before.
        ordered: What followed.
        weight: How many rows each stands for.
    """
    chosen = recent_orders >= RULE_ORDERS
    regression, count = judge(logistic, ordered, weight), judge(sigmoid(counts), ordered, weight)
    return {
        "rule": asdict(at_budget(chosen, ordered, weight)),
        "model_at_rule_budget": asdict(_at_rule_budget(predicted, chosen, ordered, weight)),
        "logistic": {
            "roc_auc": regression.roc_auc,
            "pr_auc": regression.pr_auc,
            "log_loss": regression.log_loss,
            "brier": regression.brier,
            "calibration_error": regression.calibration_error,
        },
        "count": {"roc_auc": count.roc_auc, "pr_auc": count.pr_auc},
    }


def _at_rule_budget(predicted: Floats, chosen: Bools, ordered: Bools, weight: Floats | None) -> AtBudget:
    return at_budget(highest(predicted, int(chosen.sum())), ordered, weight)
