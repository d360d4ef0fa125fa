"""How good calibrated probabilities expect to be: performance before anybody knows what followed.

Confidence-based performance estimation: each prediction stands for p of an order and 1 - p of none.
"""

from typing import NamedTuple

import numpy as np

from training.evaluate import LEAST, Floats


class Expected(NamedTuple):
    """What is to be expected if the probabilities are right.

    Attributes:
        rate: The share that will order.
        log_loss: In nats.
        roc_auc: None where all predictions are certain.
    """

    rate: float
    log_loss: float
    roc_auc: float | None


def expected(predicted: Floats, weight: Floats | None = None) -> Expected:
    """Return how good these probabilities, of shape (n,), expect to be; n > 0. `weight` as in `training.evaluate`."""
    counts = np.ones(predicted.size) if weight is None else weight
    ordered, not_ordered = counts * predicted, counts * (1.0 - predicted)
    return Expected(
        rate=float(np.average(predicted, weights=weight)),
        log_loss=float(np.average(entropy(predicted), weights=weight)),
        roc_auc=roc_auc(predicted, ordered, not_ordered),
    )


def roc_auc(predicted: Floats, ordered: Floats, not_ordered: Floats) -> float | None:
    """Return how often a row that ordered has the higher prediction of two, equal ones counting half.

    Args:
        predicted: Of shape (n,).
        ordered: How much of an order each row stands for.
        not_ordered: How much of none.

    Returns:
        None where one of the two outcomes is nowhere.
    """
    if not (ordered.sum() > 0 and not_ordered.sum() > 0):
        return None
    place = np.unique(predicted, return_inverse=True)[1]
    with_order, without = np.bincount(place, weights=ordered), np.bincount(place, weights=not_ordered)
    below = np.cumsum(without) - without / 2.0
    return float(np.sum(with_order * below) / (with_order.sum() * without.sum()))


def entropy(predicted: Floats) -> Floats:
    """Return the log-loss that each probability expects of itself, in nats."""
    kept = np.clip(predicted, LEAST, 1.0 - LEAST)
    return np.asarray(-kept * np.log(kept) - (1.0 - kept) * np.log1p(-kept), dtype=np.float64)
