"""Whether a challenger replaces the champion: judged on matured rows that neither learned from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from training.delong import auc_difference
from training.evaluate import LEAST, ONE_SIDED_95, by_user, log_loss, losses, upper_bound

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FIRST_POSITIVES = 20
FEW_POSITIVES = 600
FEW_PEOPLE = 20
"""Who ordered, below which errors by person are none: rows of one say nothing of others."""
MANY_POSITIVES = 3_000
MARGIN_FEW, MARGIN_MANY = 0.01, 0.005
"""How much worse a refresh may be at worst, as a share of the champion's log-loss."""
WORSE_THAN_REFERENCE = 0.01
WORST_AUC_DROP = 0.005
SLOPE, INTERCEPT = (0.9, 1.1), 0.1
TWO_SIDED_95 = 1.959963984540054
UNPROVEN = frozenset({"outcomes", "log-loss"})
"""Rules that break where too little speaks for a challenger; the others break where something speaks against it."""
SEGMENT_POSITIVES, WORSE_IN_SEGMENT = 200, 0.03


class Rule(NamedTuple):
    """What one rule says: whether it holds, and the figures behind that in words."""

    name: str
    holds: bool
    words: str


@dataclass(frozen=True)
class Verdict:
    """Promote or not, why in words, and what each rule that was asked says."""

    promoted: bool
    reason: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Judged:
    """Predictions on rows with known outcomes.

    Attributes:
        challenger: Probabilities, of shape (n,).
        champion: The same, of who is in service; None where nobody is.
        references: Of frozen baselines, by name.
        ordered: What followed.
        user: Whose row it is; rows of one person are not independent.
        segments: By name: which rows are of people that no challenger may serve worse.
        weight: How many rows each stands for; None where each stands for itself.
        fold: In which fold of time each row is; None where they are not told apart.
    """

    challenger: Floats
    champion: Floats | None
    references: dict[str, Floats]
    ordered: Bools
    user: Ints
    segments: Mapping[str, Bools] = field(default_factory=dict)
    weight: Floats | None = None
    fold: Ints | None = None

    def loss(self, predicted: Floats) -> float:
        """Return the log-loss of predictions on these rows."""
        return log_loss(predicted, self.ordered, self.weight)


def decide(judged: Judged, *, same_features: bool) -> Verdict:
    """Return whether the challenger goes into service: where every rule holds; else the first that does not is why.

    Args:
        judged: Rows after everything that challenger and champion learned from.
        same_features: A mere refresh, which may be a trifle worse; a changed model must be better.
    """
    rules = tuple(_rules(judged, same_features=same_features))
    broken = next((each for each in rules if not each.holds), None)
    if broken is not None:
        return Verdict(False, broken.words, rules)
    return Verdict(True, rules[-1].words if judged.champion is None else _gain(judged, judged.champion), rules)


def _rules(judged: Judged, *, same_features: bool) -> Iterator[Rule]:
    yield from _references(judged)
    yield _calibration(judged)
    if judged.champion is None:
        yield _outcomes(judged, FIRST_POSITIVES)
        yield _better_than_chance(judged)
        return
    yield (enough := _outcomes(judged, FEW_POSITIVES))
    if enough.holds:
        yield _loss(judged, judged.champion, same_features=same_features)
        yield _order(judged, judged.champion)
        yield from _segments(judged, judged.champion)


def _outcomes(judged: Judged, needed: int) -> Rule:
    positives = int(judged.ordered.sum())
    where = "to judge by" if judged.champion is None else "since the champion learned"
    if positives < needed:
        return Rule("outcomes", False, f"too few outcomes: {positives} positive rows {where}, {needed} are needed")
    people = int(np.unique(judged.user[judged.ordered]).size)
    if judged.champion is not None and people < FEW_PEOPLE:
        words = f"too few people: the {positives:,} positive rows {where} are of {people}, {FEW_PEOPLE} are needed"
        return Rule("outcomes", False, words)
    return Rule("outcomes", True, f"{positives:,} positive rows {where}")


def _better_than_chance(judged: Judged) -> Rule:
    rate = float(np.average(judged.ordered, weights=judged.weight))
    chance, found = judged.loss(np.full(judged.ordered.size, rate)), judged.loss(judged.challenger)
    if found >= chance:
        words = f"no better than chance: log-loss {found:.4f}, and {chance:.4f} for the base rate alone"
        return Rule("first model", False, words)
    words = f"first model of this horizon: log-loss {found:.4f} against {chance:.4f} for the base rate alone"
    return Rule("first model", True, words)


def _references(judged: Judged) -> Iterator[Rule]:
    found = judged.loss(judged.challenger)
    for name, predicted in judged.references.items():
        reference = judged.loss(predicted)
        holds = found <= reference * (1 + WORSE_THAN_REFERENCE)
        words = f"{'not ' if holds else ''}worse than the {name}: log-loss {found:.4f} against {reference:.4f}"
        yield Rule("reference", holds, words)


def _calibration(judged: Judged) -> Rule:
    """Refuse where slope or intercept of the outcome on the log-odds is surely outside its limits (Cox 1958)."""
    if min(judged.ordered.sum(), (~judged.ordered).sum()) < FEW_POSITIVES:
        return Rule("calibration", True, f"calibration not asked: {FEW_POSITIVES} rows of either outcome can tell it")
    kept = np.clip(judged.challenger, LEAST, 1 - LEAST)
    log_odds = np.log(kept / (1 - kept))
    fitted = LogisticRegression(C=1e6).fit(log_odds.reshape(-1, 1), judged.ordered, judged.weight)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    slope_error, intercept_error = _errors(log_odds, slope, intercept, judged)
    its_slope = f"slope {slope:.2f} ± {slope_error:.2f}"
    if slope + TWO_SIDED_95 * slope_error < SLOPE[0] or slope - TWO_SIDED_95 * slope_error > SLOPE[1]:
        return Rule("calibration", False, f"badly calibrated: {its_slope}, not within {SLOPE[0]} to {SLOPE[1]}")
    # The intercept where the slope is one: whether the level is right.
    short = float(np.average(judged.ordered - judged.challenger, weights=judged.weight))
    level = short / float(np.average(kept * (1 - kept), weights=judged.weight))
    its_level = f"intercept {level:+.2f} ± {intercept_error:.2f}"
    if abs(level) - TWO_SIDED_95 * intercept_error > INTERCEPT:
        return Rule("calibration", False, f"badly calibrated: {its_level}, not within ±{INTERCEPT}")
    return Rule("calibration", True, f"calibrated: {its_slope}, {its_level}")


def _errors(log_odds: Floats, slope: float, intercept: float, judged: Judged) -> tuple[float, float]:
    """Return standard errors of slope and level that allow for several rows a person (Liang and Zeger 1986)."""
    expected = 1.0 / (1.0 + np.exp(-(slope * log_odds + intercept)))
    design = np.column_stack([log_odds, np.ones_like(log_odds)])
    counts = np.ones(log_odds.size) if judged.weight is None else judged.weight
    bread = np.linalg.inv(design.T @ (design * (counts * expected * (1 - expected))[:, None]))
    scores = by_user(design * (counts * (judged.ordered - expected))[:, None], judged.user)
    covariance = bread @ (scores.T @ scores) @ bread
    level = by_user((counts * (judged.ordered - judged.challenger))[:, None], judged.user)
    curvature = float(np.sum(counts * judged.challenger * (1 - judged.challenger)))
    return float(np.sqrt(covariance[0, 0])), float(np.sqrt(np.sum(level**2)) / curvature)


def _loss(judged: Judged, champion: Floats, *, same_features: bool) -> Rule:
    """Compare log-losses, paired and by person: the upper bound of the difference must stay below the margin."""
    present = judged.loss(champion)
    many = int(judged.ordered.sum()) >= MANY_POSITIVES
    margin = (MARGIN_MANY if many else MARGIN_FEW) * present if same_features else 0.0
    differences = losses(judged.challenger, judged.ordered) - losses(champion, judged.ordered)
    upper = upper_bound(differences, judged.user, judged.weight)
    mean = float(np.average(differences, weights=judged.weight))
    kind = "a refresh" if same_features else "a changed model"
    words = (
        f"{mean:+.5f} against the champion's {present:.4f}, at worst {upper:+.5f}, "
        f"where {kind} may reach {margin:+.5f}{_in_folds(judged, differences)}"
    )
    return Rule("log-loss", upper < margin, f"log-loss {'' if upper < margin else 'not proven: '}{words}")


def _in_folds(judged: Judged, differences: Floats) -> str:
    if judged.fold is None:
        return ""
    counts = np.ones(differences.size) if judged.weight is None else judged.weight
    sums = np.bincount(judged.fold, weights=counts * differences)
    return f"; lower in {int((sums < 0).sum())} of {sums.size} folds"


def _order(judged: Judged, champion: Floats) -> Rule:
    """Refuse where the ROC-AUC may have dropped too far, by the lower one-sided 95 % bound of the difference."""
    found = auc_difference(judged.challenger, champion, judged.ordered, judged.user, judged.weight)
    lowest = found.estimate - ONE_SIDED_95 * found.error
    if lowest <= -WORST_AUC_DROP:
        return Rule("order", False, f"ROC-AUC may have dropped by {-lowest:.4f}, more than {WORST_AUC_DROP}")
    return Rule("order", True, f"ROC-AUC {found.estimate:+.4f} against the champion's, at worst {lowest:+.4f}")


def _segments(judged: Judged, champion: Floats) -> Iterator[Rule]:
    """Refuse where one kind of people would be served worse, though all together are not."""
    challenger, present = losses(judged.challenger, judged.ordered), losses(champion, judged.ordered)
    for name, inside in judged.segments.items():
        if judged.ordered[inside].sum() >= SEGMENT_POSITIVES:
            counts = None if judged.weight is None else judged.weight[inside]
            both = (float(np.average(each[inside], weights=counts)) for each in (challenger, present))
            worse = next(both) / next(both) - 1.0
            holds = worse <= WORSE_IN_SEGMENT
            words = f"log-loss {worse:+.1%} for {name}" + ("" if holds else f", more than {WORSE_IN_SEGMENT:+.0%}")
            yield Rule("segment", holds, words)


def _gain(judged: Judged, champion: Floats) -> str:
    found, present = judged.loss(judged.challenger), judged.loss(champion)
    return (
        f"log-loss {found:.4f} against the champion's {present:.4f} on {judged.ordered.size} rows neither learned from"
    )
