"""Whether the rule of switching to uplift keeps its promises, in made-up worlds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.thresholds import grid
from training.uplift_verdict import UpliftVerdict, assess, by_uplift
from training.world_decisions import PRICES, Kind, Moments, logged, moments, worth
from verification import page
from verification.bars import Bar
from verification.runs import Runs

LOGS, USERS, SEED = 40, 10_000, 20_251_201
HALF = 0.5
FALSE_SWITCHES, LEAST_POWER, LEVEL = 0.05, 0.9, 0.95


@dataclass(frozen=True)
class Study:
    """What the rule said over many logs of one world.

    Attributes:
        kind: Of world.
        switched: In how many of them it switched; in a world without heterogeneity that is to be rare.
        gains: Where it switched: the estimated gain a decision with its interval, and the true one.
    """

    kind: Kind
    switched: Bar
    gains: tuple[tuple[float, float, float, float], ...]

    @property
    def bars(self) -> list[Bar]:
        """What is promised: when to go over, and, where that happened, an interval that holds what it truly earns."""
        if not self.gains:
            return [self.switched]
        held = sum(low <= true <= high for _, low, high, true in self.gains)
        more = sum(true > 0 for _, _, _, true in self.gains)
        times = len(self.gains)
        return [
            self.switched,
            Bar(f"{self.kind} world: having gone over earns more in truth", more, times, LEVEL, "least"),
            Bar(f"{self.kind} world: the interval of that gain holds the truth", held, times, LEVEL, "least"),
        ]


def verified(runs: Runs) -> list[Bar]:
    """Return what is promised with what was found, and write it to the page."""
    found = []
    for kind in KINDS:
        runs.note(f"uplift in {LOGS} logs of a {kind} world")
        found.append(study(kind, runs))
    bars = [bar for each in found for bar in each.bars]
    page.write("uplift promises", page.bars_table(bars), page.DOCS / "uplift.md")
    page.write("uplift gains", gains_table(found), page.DOCS / "uplift.md")
    return bars


def study(kind: Kind, runs: Runs, *, logs: int = LOGS, users: int = USERS, seed: int = SEED) -> Study:
    """Return what the rule says over so many logs, each of people of whom half were held out."""
    switched, gains = 0, []
    for verdict, true in runs.of(partial(_judged, kind, users), range(seed, seed + logs)):
        switched += verdict.switch is not None
        if verdict.switch is not None and verdict.gain is not None:
            gains.append((*verdict.gain, true))
    name = f"{kind} world: goes over to uplift"
    if kind == "persuadable":
        return Study(kind, Bar(name, switched, logs, LEAST_POWER, "least"), tuple(gains))
    return Study(kind, Bar(name, switched, logs, FALSE_SWITCHES, "most"), tuple(gains))


def _judged(kind: Kind, users: int, seed: int) -> tuple[UpliftVerdict, float]:
    return judged(moments(kind, users, seed=seed), seed)


def judged(at: Moments, seed: int) -> tuple[UpliftVerdict, float]:
    """Return the verdict on one log, and what its learner earns in truth above the best threshold of the score."""
    log = logged(at, threshold=0.0, hold_out=HALF, exploration=0.0, seed=seed)
    verdict, uplifts = assess(log, PRICES, seed=seed)
    if verdict.switch is None:
        return verdict, 0.0
    best = max(worth(at, at.score >= each) for each in grid(at.score, 0.0))
    return verdict, worth(at, by_uplift(log, PRICES, uplifts[verdict.switch])) - best


def gains_table(found: Sequence[Study]) -> str:
    """Return what going over to uplift was said to earn, and what it does earn."""
    head = ("world", "logs that go over", "gain over the score's best threshold, a decision: estimated", "in truth",
            "lowest lower bound")  # fmt: skip
    return page.table(head, (_cells(each) for each in found))


def _cells(found: Study) -> tuple[str, ...]:
    if not found.gains:
        return found.kind, "0", "–", "–", "–"
    estimate, low, _, true = np.array(found.gains).T
    money = (f"{each:+.3f}" for each in (estimate.mean(), true.mean(), low.min()))
    return found.kind, str(true.size), *money


KINDS: tuple[Kind, ...] = ("persuadable", "proportional")
