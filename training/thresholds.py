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
        candidate: The threshold with the highest estimate; None where nothing has an answer.
        recommended: The candidate where it surely earns more, else the present threshold.
        reason: In one sentence, why.
    """

    points: tuple[Point, ...]
    present: float
    candidate: float | None
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
    gains = values - in_force.values[:, None]
    both = np.column_stack([values, gains])
    bounds = zip(both.mean(axis=0).tolist(), resampled(both, log.user, seed=seed).T, strict=True)
    found = [interval(mean, drawn) for mean, drawn in bounds]
    answers = iter(zip(found[: values.shape[1]], found[values.shape[1] :], strict=True))
    points = [each.point if each.values is None else replace(each.point, **_answer(*next(answers))) for each in asked]
    return _concluded(tuple(points), present)


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


def _concluded(points: tuple[Point, ...], present: float) -> Curve:
    answered = [(each.value.estimate, each) for each in points if each.value is not None]
    candidate = max(answered, key=lambda each: each[0])[1]
    gain = candidate.gain
    if candidate.threshold == present or gain is None:
        return Curve(points, present, candidate.threshold, present, "the present threshold has the highest estimate")
    if gain.low > 0:
        words = (
            f"change: it surely earns more than the present one (at least {gain.low:+.4f} a decision); confirm by A/B"
        )
        return Curve(points, present, candidate.threshold, candidate.threshold, words)
    words = f"keep the present one: the difference may be nothing ({gain.low:+.4f} to {gain.high:+.4f} a decision)"
    return Curve(points, present, candidate.threshold, present, words)
