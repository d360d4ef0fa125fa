"""Whether a trigger should go by uplift instead of propensity: only where that is surely better."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from training.decisions import Bools, Decisions, Floats, Ints, Prices
from training.off_policy import (
    Interval,
    Unanswerable,
    doubly_robust,
    expected_rewards,
    interval,
    resampled,
    weights,
)
from training.qini import compared
from training.thresholds import grid
from training.uplift import LEARNERS, cross_fitted, response

PROPENSITY = "propensity"
LEAST_OUTCOMES = 20
"""In each arm; with fewer nothing is said."""
LEVEL = 1 - 0.05 / len(LEARNERS)
"""Each learner is compared, so each one's interval is wider (Bonferroni)."""
SAME = 1e-9
MILLE = 1000


@dataclass(frozen=True)
class UpliftVerdict:
    """What was found.

    Attributes:
        switch: The learner to go by; None to stay with propensity.
        reason: In one sentence, why.
        qini: Coefficient of each ranking with its 95 % interval, in percentage points.
        above_propensity: How far each learner's is above propensity's.
        gain: What the chosen learner earns a decision above the best threshold of propensity; None if it was not asked.
    """

    switch: str | None
    reason: str
    qini: Mapping[str, Interval]
    above_propensity: Mapping[str, Interval]
    gain: Interval | None = None


def compare(
    known: Floats,
    treated: Bools,
    outcome: Bools,
    user: Ints,
    *,
    chance: float,
    score: Floats | None = None,
    seed: int = 0,
) -> tuple[UpliftVerdict, dict[str, Floats]]:
    """Return the verdict by the Qini coefficients alone, and each learner's uplift, of shape (n,).

    Args:
        known: What models may look at, of shape (n, k).
        treated: By chance, with probability `chance` everywhere.
        outcome: What came of it.
        user: Whose row it is.
        chance: In (0, 1).
        score: The propensity; learned from the untreated where there is none.
        seed: Of folds and resampling.
    """
    few = min(int((outcome & treated).sum()), int((outcome & ~treated).sum()))
    if few < LEAST_OUTCOMES:
        words = f"no verdict: {few} outcomes in the smaller arm, {LEAST_OUTCOMES} are needed"
        return UpliftVerdict(None, words, {}, {}), {}
    found: dict[str, Floats] = {
        name: cross_fitted(each, known, treated, outcome, user, chance=chance, seed=seed)
        for name, each in LEARNERS.items()
    }
    propensity = (
        cross_fitted(response, known, treated, outcome, user, chance=chance, seed=seed) if score is None else score
    )
    rankings = {PROPENSITY: propensity, **found}
    alone, above = compared(rankings, PROPENSITY, treated, outcome, user, level=LEVEL, seed=seed)
    best = max(above, key=lambda name: above[name].low)
    told = f"Qini of the {best} {_said(alone[best])}, of propensity {_said(alone[PROPENSITY])}"
    if above[best].low <= 0:
        return UpliftVerdict(
            None, f"no usable heterogeneity: {told}, the difference may be nothing", alone, above
        ), found
    return UpliftVerdict(best, f"{told}, surely more", alone, above), found


def judge(log: Decisions, prices: Prices, *, seed: int = 0) -> UpliftVerdict:
    """Return whether to go by uplift, of decisions that were all sent with one and the same chance."""
    return assess(log, prices, seed=seed)[0]


def assess(log: Decisions, prices: Prices, *, seed: int = 0) -> tuple[UpliftVerdict, dict[str, Floats]]:
    """Return the same, and each learner's uplift of each decision, of shape (n,).

    Switching needs both: a Qini coefficient surely above that of propensity, and surely more profit than the best
    threshold of propensity.
    """
    if not len(log) or not 0 < log.chance[0] < 1 or np.ptp(log.chance) > SAME:
        return UpliftVerdict(
            None, "no verdict: it needs decisions that are sent by one and the same chance", {}, {}
        ), {}
    chance = float(log.chance[0])
    found, uplifts = compare(log.known(), log.sent, log.ordered, log.user, chance=chance, score=log.score, seed=seed)
    if found.switch is None:
        return found, uplifts
    try:
        gain = _gain(log, prices, uplifts[found.switch], seed)
    except Unanswerable as refused:
        return replace(found, switch=None, reason=f"no verdict: {refused}"), uplifts
    more = " to ".join(f"{MILLE * each:+.1f}" for each in gain[1:])
    told = f"{found.reason}; by 1,000 decisions it earns {MILLE * gain.estimate:+.1f} more ({more})"
    if gain.low > 0:
        return replace(found, reason=f"switch: {told}", gain=gain), uplifts
    return replace(
        found, switch=None, reason=f"no usable heterogeneity: {told}, which may be nothing", gain=gain
    ), uplifts


def by_uplift(log: Decisions, prices: Prices, uplift: Floats) -> Bools:
    """Return where a message is expected to earn more than it costs, of shape (n,)."""
    return np.asarray(uplift >= pays(log, prices))


def pays(log: Decisions, prices: Prices) -> float:
    """Return how much a message has to add to the probability of an order to earn what it costs."""
    leaves = float(log.unsubscribed[log.sent].mean())
    costs = prices.contact + prices.unsubscribe * leaves
    return costs / prices.order if prices.order else float("inf")


def _gain(log: Decisions, prices: Prices, uplift: Floats, seed: int) -> Interval:
    """Return what sending by uplift earns a decision above the threshold of the score that looks best."""
    expected, rewards = expected_rewards(log, prices, seed=seed), log.rewards(prices)

    def values(send: Bools) -> Floats:
        return doubly_robust(log, send, weights(log, send), rewards, expected)

    best = max((values(log.score >= each) for each in grid(log.score, 0.0)), key=lambda each: float(each.mean()))
    differences = values(by_uplift(log, prices, uplift)) - best
    return interval(float(differences.mean()), resampled(differences[:, None], log.user, seed=seed)[:, 0])


def _said(found: Interval) -> str:
    return f"{found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"
