"""Experiments by the thousand with a known effect, looked at thirty times, through the code that makes the reports."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.looks import looks
from training.planning import users_needed
from verification.bars import Bar

BASE_RATE = 0.01
SHARES = (0.1, 0.9)
EFFECT = 0.3
"""What the experiments are planned for: 1.3 % instead of 1 %."""
LOOKS = 30
NAIVE = 1.959963984540054

Ints = npt.NDArray[np.int64]


class World(NamedTuple):
    """What is true of simulated experiments.

    Attributes:
        effect: On the conversion rate, as a share of it; 0 in an A/A experiment.
        planned: Users of both arms at the last planned look.
        looks: How many are made; more than the plan's where they go on past it.
    """

    effect: float
    planned: int
    looks: int = LOOKS

    @property
    def truth(self) -> float:
        """The true difference of the conversion rates."""
        return BASE_RATE * self.effect


class Tally(NamedTuple):
    """What was seen in many experiments.

    Attributes:
        runs: How many there were.
        verdicts: In how many some look said that the arms differ.
        right: In how many the first of these named the better arm; 0 where there is none.
        uncovered: By look, in how many its interval of planned looks missed the truth.
        judged: By look, in how many it was a planned look with enough conversions.
        ever_uncovered: In how many any of these did.
        always_uncovered: In how many the interval that holds at every moment ever missed it, once there is enough.
        naive: In how many a fixed test at each look called a difference at some look.
        naive_enough: The same, asked only from 20 conversions in each arm on.
        saved: By experiment with a verdict: which share of the planned users it took.
    """

    runs: int
    verdicts: int
    right: int
    uncovered: Ints
    judged: Ints
    ever_uncovered: int
    always_uncovered: int
    naive: int
    naive_enough: int
    saved: tuple[float, ...]


def planned_users() -> int:
    """Return how many users the planned effect takes."""
    return users_needed(BASE_RATE, SHARES, effect=EFFECT)


def counts(world: World, runs: int, seed: int) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Return users and conversions of control and treatment at each look, all of shape (runs, looks)."""
    random = np.random.default_rng(seed)
    until = np.round(np.linspace(0, 1, LOOKS + 1) * world.planned).astype(np.int64)
    arriving: Ints = np.resize(until[1:] - until[:-1], world.looks)
    control = random.binomial(arriving, SHARES[0], (runs, world.looks))
    treatment = arriving - control
    ordered = random.binomial(control, BASE_RATE), random.binomial(treatment, BASE_RATE * (1.0 + world.effect))
    return (
        (control.cumsum(axis=1), treatment.cumsum(axis=1)),
        (ordered[0].cumsum(axis=1), ordered[1].cumsum(axis=1)),
    )


def watched(world: World, runs: int, seed: int) -> Tally:
    """Simulate experiments and return what was seen in them."""
    users, conversions = counts(world, runs, seed)
    moments: list[int | None] = list(range(world.looks))
    uncovered, judged = np.zeros(world.looks, dtype=np.int64), np.zeros(world.looks, dtype=np.int64)
    verdicts = right = ever = always = naive = naive_enough = 0
    saved = []
    for run in range(runs):
        seen = looks(
            (users[0][run], users[1][run]), (conversions[0][run], conversions[1][run]), world.planned, at=moments
        )
        missed = np.array([_misses(each.low, each.high, world.truth) for each in seen])
        uncovered += missed
        judged += np.array([each.is_planned for each in seen])
        ever += bool(missed.any())
        always += any(_misses(each.always_low, each.always_high, world.truth) for each in seen if each.has_enough)
        calls = [abs(each.estimate / each.error) >= NAIVE for each in seen]
        naive += any(calls)
        naive_enough += any(call and each.has_enough for call, each in zip(calls, seen, strict=True))
        first = next((each for each in seen if each.is_better or each.is_worse), None)
        if first is not None:
            verdicts += 1
            right += world.effect != 0 and first.is_better == (world.effect > 0)
            saved.append(first.time)
    return Tally(runs, verdicts, right, uncovered, judged, ever, always, naive, naive_enough, tuple(saved))


def _misses(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and not low <= truth <= high


def bars(null: Tally, planned: Tally, past: Tally) -> list[Bar]:
    """Return what is promised of experiments without an effect, with the planned one, and looked at beyond the plan."""
    found = [
        Bar("false verdicts, 30 looks", null.verdicts, null.runs, 0.05, "most"),
        Bar("the confidence sequence ever misses the truth", null.always_uncovered, null.runs, 0.05, "most"),
        Bar("false verdicts, 30 planned looks and 30 past the plan", past.verdicts, past.runs, 0.05, "most"),
        Bar("planned effect found (power)", planned.right, planned.runs, 0.70, "least"),
    ]
    for name, tally in (("without effect", null), ("planned effect", planned)):
        at_all = tally.runs - tally.ever_uncovered
        found.append(Bar(f"intervals cover at all looks together, {name}", at_all, tally.runs, 0.95, "least"))
        look = int(np.argmax(tally.uncovered / np.maximum(tally.judged, 1)))
        covered = int(tally.judged[look] - tally.uncovered[look])
        worst = f"intervals cover at the worst look (the {look + 1}th), {name}"
        found.append(Bar(worst, covered, int(tally.judged[look]), 0.95, "least"))
    return found
