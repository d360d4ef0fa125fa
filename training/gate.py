"""Whether a challenger replaces the champion: judged on matured rows that neither learned from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from training.evaluate import LEAST, by_user, log_loss, losses, upper_bound

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FIRST_POSITIVES = 20
FEW_POSITIVES = 600
MANY_POSITIVES = 3_000
MARGIN_FEW, MARGIN_MANY = 0.01, 0.005
"""How much worse a refresh may be at worst, as a share of the champion's log-loss."""
WORSE_THAN_REFERENCE = 0.01
WORST_AUC_DROP = 0.005
SLOPE, INTERCEPT = (0.9, 1.1), 0.1
TWO_SIDED_95 = 1.959963984540054
RESAMPLES = 200


@dataclass(frozen=True)
class Verdict:
    """Promote or not, and the rule that decided."""

    promoted: bool
    reason: str


@dataclass(frozen=True)
class Judged:
    """Predictions on rows with known outcomes.

    Attributes:
        challenger: Probabilities, of shape (n,).
        champion: The same, of who is in service; None where nobody is.
        references: Of frozen baselines, by name.
        ordered: What followed.
        user: Whose row it is; rows of one person are not independent.
    """

    challenger: Floats
    champion: Floats | None
    references: dict[str, Floats]
    ordered: Bools
    user: Ints


def decide(judged: Judged, *, same_features: bool) -> Verdict:
    """Return whether the challenger goes into service, and by which rule.

    Args:
        judged: Rows after everything that challenger and champion learned from.
        same_features: A mere refresh, which may be a trifle worse; a changed model must be better.
    """
    refusal = _reference(judged) or _calibration(judged)
    if refusal:
        return Verdict(False, refusal)
    if judged.champion is None:
        return _first(judged)
    positives = int(judged.ordered.sum())
    if positives < FEW_POSITIVES:
        return Verdict(
            False,
            f"too few outcomes: {positives} positive rows since the champion learned, {FEW_POSITIVES} are needed",
        )
    refusal = _loss(judged, judged.champion, positives, same_features=same_features) or _order(judged, judged.champion)
    return Verdict(False, refusal) if refusal else Verdict(True, _gain(judged, judged.champion))


def _first(judged: Judged) -> Verdict:
    positives = int(judged.ordered.sum())
    if positives < FIRST_POSITIVES:
        return Verdict(False, f"too few outcomes: {positives} positive rows to judge by, {FIRST_POSITIVES} are needed")
    chance = log_loss(np.full(judged.ordered.size, judged.ordered.mean()), judged.ordered)
    found = log_loss(judged.challenger, judged.ordered)
    if found >= chance:
        return Verdict(False, f"no better than chance: log-loss {found:.4f}, and {chance:.4f} for the base rate alone")
    return Verdict(
        True, f"first model of this horizon: log-loss {found:.4f} against {chance:.4f} for the base rate alone"
    )


def _reference(judged: Judged) -> str | None:
    found = log_loss(judged.challenger, judged.ordered)
    for name, predicted in judged.references.items():
        reference = log_loss(predicted, judged.ordered)
        if found > reference * (1 + WORSE_THAN_REFERENCE):
            return f"worse than the {name}: log-loss {found:.4f} against {reference:.4f}"
    return None


def _calibration(judged: Judged) -> str | None:
    """Refuse where slope or intercept of the outcome on the log-odds is surely outside its limits (Cox 1958)."""
    if min(judged.ordered.sum(), (~judged.ordered).sum()) < FEW_POSITIVES:
        return None
    kept = np.clip(judged.challenger, LEAST, 1 - LEAST)
    log_odds = np.log(kept / (1 - kept))
    fitted = LogisticRegression(C=1e6).fit(log_odds.reshape(-1, 1), judged.ordered)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    slope_error, intercept_error = _errors(log_odds, slope, intercept, judged)
    if slope + TWO_SIDED_95 * slope_error < SLOPE[0] or slope - TWO_SIDED_95 * slope_error > SLOPE[1]:
        return f"badly calibrated: slope {slope:.2f} ± {slope_error:.2f}, not within {SLOPE[0]} to {SLOPE[1]}"
    # The intercept where the slope is one: whether the level is right.
    level = float(np.mean(judged.ordered) - np.mean(judged.challenger)) / float(np.mean(kept * (1 - kept)))
    if abs(level) - TWO_SIDED_95 * intercept_error > INTERCEPT:
        return f"badly calibrated: intercept {level:+.2f} ± {intercept_error:.2f}, not within ±{INTERCEPT}"
    return None


def _errors(log_odds: Floats, slope: float, intercept: float, judged: Judged) -> tuple[float, float]:
    """Return standard errors of slope and level that allow for several rows a person (Liang and Zeger 1986)."""
    expected = 1.0 / (1.0 + np.exp(-(slope * log_odds + intercept)))
    design = np.column_stack([log_odds, np.ones_like(log_odds)])
    weight = expected * (1 - expected)
    bread = np.linalg.inv(design.T @ (design * weight[:, None]))
    scores = by_user(design * (judged.ordered - expected)[:, None], judged.user)
    covariance = bread @ (scores.T @ scores) @ bread
    level = by_user((judged.ordered - judged.challenger)[:, None], judged.user)
    curvature = float(np.sum(judged.challenger * (1 - judged.challenger)))
    return float(np.sqrt(covariance[0, 0])), float(np.sqrt(np.sum(level**2)) / curvature)


def _loss(judged: Judged, champion: Floats, positives: int, *, same_features: bool) -> str | None:
    """Compare log-losses, paired and by person: the upper bound of the difference must stay below the margin."""
    present = log_loss(champion, judged.ordered)
    margin = (MARGIN_MANY if positives >= MANY_POSITIVES else MARGIN_FEW) * present if same_features else 0.0
    differences = losses(judged.challenger, judged.ordered) - losses(champion, judged.ordered)
    upper = upper_bound(differences, judged.user)
    if upper < margin:
        return None
    kind = "a refresh" if same_features else "a changed model"
    return (
        f"log-loss not proven: {differences.mean():+.5f} against the champion's {present:.4f}, at worst {upper:+.5f}, "
        f"where {kind} may reach {margin:+.5f}"
    )


def _order(judged: Judged, champion: Floats) -> str | None:
    """Refuse where the ROC-AUC may have dropped too far, by a bootstrap over persons."""
    people, place = np.unique(judged.user, return_inverse=True)
    drawn = np.random.default_rng(0)
    drops = []
    for _ in range(RESAMPLES):
        weight = np.bincount(drawn.integers(0, people.size, people.size), minlength=people.size)[place].astype(
            np.float64
        )
        if 0 < weight @ judged.ordered < weight.sum():
            drops.append(
                roc_auc_score(judged.ordered, judged.challenger, sample_weight=weight)
                - roc_auc_score(judged.ordered, champion, sample_weight=weight)
            )
    lowest = float(np.quantile(drops, 0.05))
    if lowest > -WORST_AUC_DROP:
        return None
    return f"ROC-AUC may have dropped by {-lowest:.4f}, more than {WORST_AUC_DROP}"


def _gain(judged: Judged, champion: Floats) -> str:
    found, present = log_loss(judged.challenger, judged.ordered), log_loss(champion, judged.ordered)
    return (
        f"log-loss {found:.4f} against the champion's {present:.4f} on {judged.ordered.size} rows neither learned from"
    )
