"""Whether the rule of switching to uplift keeps its promises: `python -m verification.uplifts`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.thresholds import grid
from training.uplift_verdict import UpliftVerdict, assess, by_uplift
from training.world_decisions import PRICES, Kind, Moments, logged, moments, worth
from verification.bars import Bar

RUNS, USERS, SEED = 40, 10_000, 20_251_201
HALF = 0.5
FALSE_SWITCHES, LEAST_POWER = 0.05, 0.9


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
    def kept(self) -> bool:
        """Whether it switches where it should, and does not where it should not."""
        gains = all(low > 0 for _, low, _, _ in self.gains)
        return self.switched.holds and gains


def study(kind: Kind, *, runs: int = RUNS, users: int = USERS, seed: int = SEED) -> Study:
    """Return what the rule says over so many logs, each of people of whom half were held out."""
    switched, gains = 0, []
    for each in range(seed, seed + runs):
        at = moments(kind, users, seed=each)
        verdict, true = judged(at, each)
        switched += verdict.switch is not None
        if verdict.switch is not None and verdict.gain is not None:
            gains.append((*verdict.gain, true))
    name = f"{kind} world: goes over to uplift"
    if kind == "persuadable":
        return Study(kind, Bar(name, switched, runs, LEAST_POWER, "least"), tuple(gains))
    return Study(kind, Bar(name, switched, runs, FALSE_SWITCHES, "most"), tuple(gains))


def judged(at: Moments, seed: int) -> tuple[UpliftVerdict, float]:
    """Return the verdict on one log, and what its learner earns in truth above the best threshold of the score."""
    log = logged(at, threshold=0.0, hold_out=HALF, exploration=0.0, seed=seed)
    verdict, uplifts = assess(log, PRICES, seed=seed)
    if verdict.switch is None:
        return verdict, 0.0
    best = max(worth(at, at.score >= each) for each in grid(at.score, 0.0))
    return verdict, worth(at, by_uplift(log, PRICES, uplifts[verdict.switch])) - best


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures; ends with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m verification.uplifts", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--users", type=int, default=USERS)
    asked = parser.parse_args(arguments)
    found = [study(kind, runs=asked.runs, users=asked.users) for kind in KINDS]
    for each in found:
        sys.stdout.write("".join(f"{line}\n" for line in lines(each)))
    sys.exit(0 if all(each.kept for each in found) else 1)


def lines(found: Study) -> Iterator[str]:
    """Yield the figures of a study in words."""
    bar = found.switched
    yield f"{bar.name}: {bar.hits} of {bar.runs}, p = {bar.p_value:.3f}"
    if found.gains:
        estimate, low, high, true = np.array(found.gains).T
        covered = int(((low <= true) & (true <= high)).sum())
        yield (
            f"  above the best threshold: estimated {estimate.mean():+.3f} a decision, in truth {true.mean():+.3f}; "
            f"lowest lower bound {low.min():+.3f}; the interval held the truth in {covered} of {true.size}"
        )


KINDS: tuple[Kind, ...] = ("persuadable", "proportional")

if __name__ == "__main__":
    main()
