"""Whether policy values keep their promises, in a made-up world whose truth is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.decisions import Decisions
from training.thresholds import Curve, curve
from training.world_decisions import PRICES, TRUTH_USERS, Moments, logged, moments, worth
from verification import page
from verification.bars import Bar
from verification.runs import Runs

USERS, SEED = 20_000, 20_251_101
PRESENT, HOLD_OUT = 0.2, 0.1
LOGS = {0.1: 200, 0.05: 100, 0.0: 100}
"""By share of exploration."""
LEVEL = 0.95
FULL_EXPLORATION, ENOUGH, MOSTLY = 0.1, 0.95, 0.9
"""With so much exploration the candidate earns so much of the best, in so many of the logs."""
PAGE = page.DOCS / "policy-value.md"


@dataclass(frozen=True)
class Study:
    """What happened over many logs of one world, with so much exploration below the threshold.

    Attributes:
        exploration: Share of the decisions below the threshold that sent all the same.
        logs: How many there were.
        covers: How often intervals held the truth: of the values of three thresholds, and of two differences.
        lower_answered: How often a threshold below the present one had an answer.
        candidate_earns: Of each log: what the candidate earns in truth over sending nothing, as a share of the best.
        recommended_earns: The same of what was recommended.
        better: How often a recommended change was one for the better in truth, of all that were recommended.
    """

    exploration: float
    logs: int
    covers: tuple[Bar, ...]
    lower_answered: int
    candidate_earns: tuple[float, ...]
    recommended_earns: tuple[float, ...]
    better: tuple[int, int]

    @property
    def bars(self) -> list[Bar]:
        """What is promised of so much exploration."""
        found = list(self.covers)
        if self.better[1]:
            found.append(Bar("recommended changes earn more in truth", *self.better, LEVEL, "least"))
        if self.exploration >= FULL_EXPLORATION:
            enough = sum(each >= ENOUGH for each in self.candidate_earns)
            found.append(
                Bar(f"the candidate earns {ENOUGH:.0%} of the best or more", enough, self.logs, MOSTLY, "least")
            )
        if not self.exploration:
            found.append(Bar("a lower threshold is answered", self.lower_answered, self.logs, 0.0, "most"))
        return [each._replace(name=f"exploration {self.exploration:.0%}: {each.name}") for each in found]


class Truth:
    """What thresholds earn in the world where a message adds the same to everybody's log-odds."""

    def __init__(self) -> None:
        """Draw 200,000 people once."""
        self._at = moments("even", TRUTH_USERS, seed=0)
        self.nothing = self.of(np.inf)
        self.best = max(self.of(each) for each in np.quantile(self._at.score, np.arange(100) / 100))

    def of(self, threshold: float) -> float:
        """Return what a threshold earns a decision."""
        return worth(self._at, self._at.score >= threshold)

    def share_of_best(self, threshold: float) -> float:
        """Return what it earns over sending nothing, as a share of what the best one does."""
        return (self.of(threshold) - self.nothing) / (self.best - self.nothing)


def verified(runs: Runs) -> list[Bar]:
    """Return what is promised with what was found, and write it to the page."""
    found = []
    for exploration, logs in LOGS.items():
        runs.note(f"policy value by {logs} logs of {USERS:,} people, exploration {exploration:.0%}")
        found.append(study(exploration, runs, logs=logs))
    bars = [bar for each in found for bar in each.bars]
    page.write("policy value promises", page.bars_table(bars), PAGE)
    page.write("policy value earned", earned_table(found), PAGE)
    return bars


def study(exploration: float, runs: Runs, *, logs: int, users: int = USERS, seed: int = SEED) -> Study:
    """Return what happens over so many logs of that many people; all seeds follow from `seed`."""
    true = Truth()
    curves = list(runs.of(partial(_curve, exploration, users), range(seed, seed + logs)))
    recommended = [each.recommended for each in curves]
    changes = [each for each in recommended if each != PRESENT]
    return Study(
        exploration,
        logs,
        tuple(_coverage(curves, true)),
        sum(any(each.value is not None and each.threshold < PRESENT for each in found.points) for found in curves),
        tuple(true.share_of_best(each.candidate) for each in curves),
        tuple(true.share_of_best(each) for each in recommended),
        (sum(true.of(each) > true.of(PRESENT) for each in changes), len(changes)),
    )


def made_up_log(at: Moments, exploration: float, seed: int) -> Decisions:
    """Return a log under the threshold in force, with a hold-out."""
    return logged(at, threshold=PRESENT, hold_out=HOLD_OUT, exploration=exploration, seed=seed)


def _curve(exploration: float, users: int, seed: int) -> Curve:
    return curve(made_up_log(moments("even", users, seed=seed), exploration, seed), PRICES, PRESENT, seed=seed)


def _coverage(curves: Sequence[Curve], true: Truth) -> Iterator[Bar]:
    """Yield how often the intervals of the lowest, a middle and the highest threshold held the truth."""
    places = {"lowest": 0, "middle": 10, "highest": -1}
    for name, place in places.items():
        points = [each.points[place] for each in curves if each.points[place].value is not None]
        values = [(each.value, true.of(each.threshold)) for each in points]
        gains = [(each.gain, true.of(each.threshold) - true.of(PRESENT)) for each in points]
        for what, found in (("value", values), ("difference to the present", gains)):
            hits = sum(got is not None and got.low <= truth <= got.high for got, truth in found)
            if found:
                yield Bar(f"{what}, {name} threshold", hits, len(found), LEVEL, "least")


def earned_table(found: Sequence[Study]) -> str:
    """Return what thresholds earn over sending nothing, as a share of what the best one does."""
    head = ("exploration", "threshold", "mean", "median", "5 % quantile", f"{ENOUGH:.0%} or more in")
    rows = [
        (f"{each.exploration:.0%}", name, *_spread(earns))
        for each in found
        for name, earns in (("candidate", each.candidate_earns), ("recommended", each.recommended_earns))
    ]
    return page.table(head, rows)


def _spread(earns: Sequence[float]) -> Iterator[str]:
    low, middle = np.quantile(earns, [0.05, 0.5])
    yield from (f"{each:.1%}" for each in (float(np.mean(earns)), middle, low))
    yield f"{sum(each >= ENOUGH for each in earns)} of {len(earns)} logs"
