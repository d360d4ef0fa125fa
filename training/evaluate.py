"""Judge probabilities by what followed: log-loss and Brier first, then order, then calibration.

A `weight`, of shape (n,), says how many rows each stands for; without one, each stands for itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LEAST = 1e-9
DECILES = 10
ONE_SIDED_95 = 1.6448536269514722
WITHIN = 0.95
"""How often a perfect model's calibration error is no larger than chance is said to make it."""


@dataclass(frozen=True)
class Judgement:
    """How good predictions were; nulls where only one outcome occurred."""

    rows: int
    positives: int
    base_rate: float
    roc_auc: float | None
    pr_auc: float | None
    log_loss: float
    brier: float
    calibration_error: float
    """The largest gap, over deciles of the prediction, between mean prediction and rate."""


@dataclass(frozen=True)
class AtBudget:
    """How good a choice of people was."""

    precision: float | None
    recall: float | None


def judge(predicted: Floats, ordered: Bools, weight: Floats | None = None) -> Judgement:
    """Return how good these probabilities, of shape (n,), were; n > 0."""
    # Two hundred megabytes, and only whoever judges a model pays for them.
    from sklearn.metrics import average_precision_score, roc_auc_score

    both = 0 < ordered.sum() < ordered.size
    return Judgement(
        rows=int(ordered.size),
        positives=int(ordered.sum()),
        base_rate=float(np.average(ordered, weights=weight)),
        roc_auc=float(roc_auc_score(ordered, predicted, sample_weight=weight)) if both else None,
        pr_auc=float(average_precision_score(ordered, predicted, sample_weight=weight)) if both else None,
        log_loss=log_loss(predicted, ordered, weight),
        brier=float(np.average((predicted - ordered) ** 2, weights=weight)),
        calibration_error=calibration_error(predicted, ordered, weight),
    )


def losses(predicted: Floats, ordered: Bools) -> Floats:
    """Return the log-loss of each prediction, in nats."""
    kept = np.clip(predicted, LEAST, 1.0 - LEAST)
    return np.where(ordered, -np.log(kept), -np.log1p(-kept))


def log_loss(predicted: Floats, ordered: Bools, weight: Floats | None = None) -> float:
    """Return the mean log-loss, in nats."""
    return float(np.average(losses(predicted, ordered), weights=weight))


def deciles(predicted: Floats, ordered: Bools, weight: Floats | None = None) -> list[tuple[float, float, int]]:
    """Return (mean prediction, rate, rows) for each tenth of the predictions, the lowest first."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), DECILES)
    weights = [None if weight is None else weight[i] for i in parts]
    return [
        (float(np.average(predicted[i], weights=w)), float(np.average(ordered[i], weights=w)), i.size)
        for i, w in zip(parts, weights, strict=True)
        if i.size
    ]


def calibration_error(predicted: Floats, ordered: Bools, weight: Floats | None = None) -> float:
    """Return the largest gap between mean prediction and rate over the deciles of the predictions."""
    return max(abs(mean - rate) for mean, rate, _ in deciles(predicted, ordered, weight))


def calibration_by_chance(predicted: Floats, ordered: Bools, user: Ints, weight: Floats | None = None) -> float:
    """Return up to which calibration error a perfect model of these rows comes, by chance, in 19 of 20 cases.

    The gap of each tenth is normal around 0, and no two of them need be independent (Šidák 1967). How wide it is, the
    rows of each person together tell; it is at least as wide as that of rows that are independent.
    """
    # Two seconds to import, which whoever judges nothing need not wait for.
    from scipy.optimize import brentq
    from scipy.special import ndtr

    counts = np.ones(predicted.size) if weight is None else weight
    parts = np.array_split(np.argsort(predicted, kind="stable"), DECILES)
    errors = np.array([_error(predicted[i], ordered[i], user[i], counts[i]) for i in parts if i.size])
    errors = errors[errors > 0]
    if not errors.size:
        return 0.0

    def missed(gap: float) -> float:
        return float(np.prod(2.0 * ndtr(gap / errors) - 1.0)) - WITHIN

    return float(brentq(missed, 0.0, 10.0 * float(errors.max())))


def _error(predicted: Floats, ordered: Bools, user: Ints, counts: Floats) -> float:
    """Return the standard error of the mean of what came less what was predicted, where that is right."""
    together = np.sum(by_user((counts * (ordered - predicted))[:, None], user) ** 2)
    apart = np.sum(counts**2 * predicted * (1.0 - predicted))
    return float(np.sqrt(max(together, apart)) / counts.sum())


def at_budget(chosen: Bools, ordered: Bools, weight: Floats | None = None) -> AtBudget:
    """Return how many of the chosen ordered (precision), and how many of those who ordered were chosen (recall)."""
    counts = np.ones(ordered.size) if weight is None else weight
    hits = float(counts[chosen & ordered].sum())
    return AtBudget(
        precision=hits / float(counts[chosen].sum()) if chosen.any() else None,
        recall=hits / float(counts[ordered].sum()) if ordered.any() else None,
    )


def highest(predicted: Floats, budget: int) -> Bools:
    """Return which `budget` predictions are the highest, the earlier of equals first."""
    chosen = np.zeros(predicted.size, dtype=np.bool_)
    chosen[np.argsort(-predicted, kind="stable")[:budget]] = True
    return chosen


def by_user(values: Floats, user: Ints) -> Floats:
    """Return the sums, of shape (people, columns), of the rows of each person; `values` of shape (n, columns)."""
    people, place = np.unique(user, return_inverse=True)
    sums = np.zeros((people.size, values.shape[1]))
    np.add.at(sums, place, values)
    return sums


def upper_bound(differences: Floats, user: Ints, weight: Floats | None = None) -> float:
    """Return the one-sided 95 % bound of the mean difference; rows of one person are not independent.

    Of one person alone nothing is known of others: the bound is infinite.

    Args:
        differences: Of paired losses, of shape (n,).
        user: Whose row it is.
        weight: How many rows each stands for.
    """
    counts = np.ones(differences.size) if weight is None else weight
    mean = float(np.average(differences, weights=weight))
    spread = by_user((counts * (differences - mean))[:, None], user)
    if len(spread) < 2:
        return float("inf")
    return mean + ONE_SIDED_95 * float(np.sqrt(np.sum(spread**2))) / float(counts.sum())
