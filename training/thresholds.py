"""The curve of expected profit over thresholds of one trigger, and whether the log speaks for another one."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.decisions import Decisions, Floats, Prices
from training.off_policy import (
    Estimates,
    Interval,
    Unanswerable,
    doubly_robust,
    effective_size,
    estimates,
    expected_rewards,
    interval,
    resampled,
    weights,
)

GRID = 20
DEGREE = 3
LEAST_ODDS = 1e-6
CONTRADICTS = 0.05
"""How rarely the log may say the opposite where its highest estimate is taken against the smooth curve."""


@dataclass(frozen=True)
class Point:
    """What one threshold earns a decision.

    Attributes:
        threshold: Sent from this score on.
        sends: Share of the decisions that would send.
        value: Doubly robust, with its interval; None where there is no answer.
        gain: The same, less the value of the present threshold.
        all_three: By all estimators.
        effective: How many decisions of this policy the log is worth.
        largest: How many decisions one of the log stands for at most.
        refusal: Why there is no answer; empty where there is one.
    """

    threshold: float
    sends: float
    value: Interval | None = None
    gain: Interval | None = None
    all_three: Estimates | None = None
    effective: float | None = None
    largest: float | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Curve:
    """All thresholds of a trigger, and what follows.

    Attributes:
        points: By threshold, ascending; the present one is among them.
        present: The threshold in force.
        candidate: The threshold that looks best: the top of the smooth curve, or the highest estimate where that surely
            earns more.
        recommended: The candidate where it surely earns more, else the present threshold.
        reason: In one sentence, why.
    """

    points: tuple[Point, ...]
    present: float
    candidate: float
    recommended: float
    reason: str


def grid(scores: Floats, present: float) -> Floats:
    """Return thresholds to compare, ascending: quantiles of the scores, the present one, one that nobody reaches."""
    nobody = np.nextafter(scores.max(initial=present), np.inf)
    return np.unique(np.concatenate([np.quantile(scores, np.arange(GRID) / GRID), [present, nobody]]))


def curve(log: Decisions, prices: Prices, present: float, *, seed: int = 0) -> Curve:
    """Return what each threshold of the grid would have earned, and which one the log speaks for.

    Raises:
        Unanswerable: There are no decisions, or not even the present threshold has an answer.
    """
    if not len(log):
        raise Unanswerable("there are no matured decisions yet")
    expected = expected_rewards(log, prices, seed=seed)
    in_force = _Asked.of(log, prices, expected, present)
    if in_force.values is None:
        raise Unanswerable(f"not even the present threshold has an answer: {in_force.refusal}")
    asked = [_Asked.of(log, prices, expected, each) for each in grid(log.score, present).tolist()]
    values = np.column_stack([each.values for each in asked if each.values is not None])
    thresholds = np.array([each.point.threshold for each in asked if each.values is not None])
    means, again = values.mean(axis=0), resampled(values, log.user, seed=seed)
    at = int(np.searchsorted(thresholds, present))
    found = iter(zip(_intervals(means, again), _intervals(means - means[at], again - again[:, [at]]), strict=True))
    points = [each.point if each.values is None else replace(each.point, **_answer(*next(found))) for each in asked]
    return _concluded(tuple(points), present, float(thresholds[_best(smoothed(log, thresholds, values), means, again)]))


def _intervals(estimates: Floats, again: Floats) -> list[Interval]:
    return [interval(each, drawn) for each, drawn in zip(estimates.tolist(), again.T, strict=True)]


def smoothed(log: Decisions, thresholds: Floats, values: Floats) -> Floats:
    """Return what thresholds earn a decision, up to a constant, where a message's effect is smooth, of shape (k,).

    The effect is a cubic of the score's log-odds, by least squares; what few decisions of an action tell weighs less.

    Args:
        log: The decisions, n of them.
        thresholds: Ascending, of shape (k,).
        values: What each decision adds to the value of each threshold, of shape (n, k).
    """
    between = (log.score >= thresholds[0]) & (log.score < thresholds[-1])
    if not between.any():
        return np.zeros(thresholds.size)
    # Where one threshold sends and another holds, their values differ by the effect of the message.
    effect, score, chance = (values[:, 0] - values[:, -1])[between], log.score[between], log.chance[between]
    clipped = np.clip(score, LEAST_ODDS, 1 - LEAST_ODDS)
    odds = np.log(clipped / (1 - clipped))
    powers = np.vander((odds - odds.mean()) / (odds.std() or 1.0), DEGREE + 1)
    precision = np.sqrt(chance * (1 - chance))
    fitted = powers @ np.linalg.lstsq(powers * precision[:, None], effect * precision, rcond=None)[0]
    return np.array([fitted[score >= each].sum() for each in thresholds]) / len(log)


def _best(smooth: Floats, estimates: Floats, again: Floats) -> int:
    """Return the place of the top of the smooth curve, or of the highest estimate where that surely earns more."""
    top, highest = int(smooth.argmax()), int(estimates.argmax())
    surely = float(np.quantile(again[:, highest] - again[:, top], CONTRADICTS)) > 0
    return highest if surely else top


@dataclass(frozen=True)
class _Asked:
    """One threshold with what each decision adds to its value, of shape (n,); None where there is no answer."""

    point: Point
    values: Floats | None

    @classmethod
    def of(cls, log: Decisions, prices: Prices, expected: Floats, threshold: float) -> "_Asked":
        send = log.score >= threshold
        point = Point(threshold, float(send.mean()))
        try:
            found = weights(log, send)
        except Unanswerable as refused:
            return cls(replace(point, refusal=str(refused)), None)
        three = estimates(log, send, prices, expected)
        told = replace(point, all_three=three, effective=effective_size(found), largest=float(found.max()))
        return cls(told, doubly_robust(log, send, found, log.rewards(prices), expected))

    @property
    def refusal(self) -> str:
        return self.point.refusal


def _answer(value: Interval, gain: Interval) -> dict[str, Any]:
    return {"value": value, "gain": gain}


def _concluded(points: tuple[Point, ...], present: float, candidate: float) -> Curve:
    gain = next(each.gain for each in points if each.threshold == candidate)
    if candidate == present or gain is None:
        return Curve(points, present, candidate, present, "the present threshold is the one that looks best")
    if gain.low > 0:
        words = (
            f"change: it surely earns more than the present one (at least {gain.low:+.4f} a decision); confirm by A/B"
        )
        return Curve(points, present, candidate, candidate, words)
    words = f"keep the present one: the difference may be nothing ({gain.low:+.4f} to {gain.high:+.4f} a decision)"
    return Curve(points, present, candidate, present, words)
