"""Whether policy values keep their promises, in made-up worlds: `python -m verification.policy_values`."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from training.decisions import Decisions
from training.thresholds import Curve, curve
from training.world_decisions import PRICES, TRUTH_USERS, Moments, logged, moments, worth
from verification.bars import Bar

LOGS, USERS, SEED = 200, 20_000, 20_251_101
PRESENT, HOLD_OUT = 0.2, 0.1
LEVEL = 0.95
FULL_EXPLORATION, ENOUGH = 0.1, 0.95
"""So much exploration must find a threshold that earns so much of the best."""


@dataclass(frozen=True)
class Study:
    """What happened over many logs of one world, with so much exploration below the threshold.

    Attributes:
        exploration: Share of the decisions below the threshold that sent all the same.
        covers: How often intervals held the truth: of the values of three thresholds, and of two differences.
        lower_answered: How often a threshold below the present one had an answer.
        candidate_earns: Of each log: what the candidate earns in truth over sending nothing, as a share of the best.
        recommended_earns: The same of what was recommended.
        better: How often a recommended change was one for the better in truth, of all that were recommended.
    """

    exploration: float
    covers: tuple[Bar, ...]
    lower_answered: int
    candidate_earns: tuple[float, ...]
    recommended_earns: tuple[float, ...]
    better: tuple[int, int]

    @property
    def kept(self) -> bool:
        """Whether intervals cover, and the candidate earns enough with exploration, or nothing is answered without."""
        covers = all(each.holds for each in self.covers)
        if self.exploration < FULL_EXPLORATION:
            return covers and (self.exploration > 0 or self.lower_answered == 0)
        return covers and float(np.mean(self.candidate_earns)) >= ENOUGH


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


def study(exploration: float, *, logs: int = LOGS, users: int = USERS, seed: int = SEED) -> Study:
    """Return what happens over so many logs of that many people; all seeds follow from `seed`."""
    true, curves = Truth(), list(_curves(exploration, logs, users, seed))
    recommended = [each.recommended for each in curves]
    changes = [each for each in recommended if each != PRESENT]
    return Study(
        exploration,
        tuple(_coverage(curves, true)),
        sum(any(each.value is not None and each.threshold < PRESENT for each in found.points) for found in curves),
        tuple(true.share_of_best(each.candidate) for each in curves if each.candidate is not None),
        tuple(true.share_of_best(each) for each in recommended),
        (sum(true.of(each) > true.of(PRESENT) for each in changes), len(changes)),
    )


def made_up_log(at: Moments, exploration: float, seed: int) -> Decisions:
    """Return a log under the threshold in force, with a hold-out."""
    return logged(at, threshold=PRESENT, hold_out=HOLD_OUT, exploration=exploration, seed=seed)


def _curves(exploration: float, logs: int, users: int, seed: int) -> Iterator[Curve]:
    for each in range(seed, seed + logs):
        yield curve(made_up_log(moments("even", users, seed=each), exploration, each), PRICES, PRESENT, seed=each)


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures; ends with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m verification.policy_values", description=__doc__)
    parser.add_argument("--logs", type=int, default=LOGS)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--exploration", type=float, nargs="+", default=[0.0, 0.05, 0.1])
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    asked = parser.parse_args(arguments)
    found = [study(each, logs=asked.logs, users=asked.users) for each in asked.exploration]
    write = sys.stdout.write
    if asked.json:
        write(json.dumps([asdict(each) for each in found]) + "\n")
    for each in found:
        write("".join(f"{line}\n" for line in lines(each)))
    sys.exit(0 if all(each.kept for each in found) else 1)


def lines(found: Study) -> Iterator[str]:
    """Yield the figures of a study in words."""
    yield f"exploration {found.exploration:.0%}: a lower threshold was answered in {found.lower_answered} logs"
    for each in found.covers:
        yield f"  {each.name}: {each.hits} of {each.runs} intervals cover, {each.rate:.1%}, p = {each.p_value:.3f}"
    for name, earns in (("candidate", found.candidate_earns), ("recommended", found.recommended_earns)):
        low, middle = np.quantile(earns, [0.05, 0.5])
        mean, enough = float(np.mean(earns)), float(np.mean(np.array(earns) >= ENOUGH))
        spread = f"median {middle:.1%}, 5 % quantile {low:.1%}"
        yield f"  {name}: earns {mean:.1%} of the best ({spread}), {ENOUGH:.0%} or more in {enough:.0%} of the logs"
    yield f"  recommended changes that earn more in truth: {found.better[0]} of {found.better[1]}"


if __name__ == "__main__":
    main()
