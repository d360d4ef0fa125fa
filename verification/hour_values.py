"""Whether values of hour policies keep their promise, in the simulator: `python -m verification.hour_values`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from models.days import SATURDAY
from training import world_hours
from training.hour_value import HourValue, hour_value
from training.send_hour_fit import fit as fit_hours
from training.send_response import Sends, fit
from training.world_hours import Listeners
from verification.bars import Bar

RUNS, PEOPLE, DAYS, SEED = 300, 1000, 60, 20_261_130
EXPLORATION: Final = 0.2
LEVEL: Final = 0.95
COHORTS: Final = 3
Floats = npt.NDArray[np.float64]


def study(*, runs: int = RUNS, people: int = PEOPLE, seed: int = SEED) -> list[Bar]:
    """Return how often intervals held the truth, of two rules and by two estimators; all seeds follow from `seed`."""
    hits: dict[str, int] = {}
    for each in range(seed, seed + runs):
        for name, holds in _run(each, people):
            hits[name] = hits.get(name, 0) + holds
    return [Bar(name, found, runs, LEVEL, "least") for name, found in hits.items()]


def _run(seed: int, people: int) -> Iterator[tuple[str, bool]]:
    """Yield whether each interval held the truth: of hours learned from other messages, and of one hour for all."""
    who = world_hours.listeners(people, seed=seed)
    earlier, later = (_sends(who, seed + turn * 1_000_000) for turn in (1, 2))
    histories = who.activity.astype(np.float64)
    model = fit_hours(histories, COHORTS, 5.0, 1.0, {})
    expected = fit(earlier, model).chances(*model.profiles(histories))
    for rule, hour in (("learned hours", expected.argmax(axis=1)), ("20:00 for all", np.full(people, 20))):
        # Messages count, and not people: whoever gets more of them counts more often.
        truth = float(who.clicks[later.user, hour[later.user]].mean())
        value = hour_value(later, hour[later.user], expected[later.user], rule)
        yield from _held(value, truth)


def _held(value: HourValue, truth: float) -> Iterator[tuple[str, bool]]:
    for name, (_, low, high) in (("SNIPS", value.self_normalised), ("DR", value.doubly_robust)):
        yield f"{value.rule}, {name}", low <= truth <= high


def _sends(who: Listeners, seed: int) -> Sends:
    sent = world_hours.sends(who, days=DAYS, seed=seed, exploration=EXPLORATION)
    histories = who.activity.astype(np.float64)[sent.user]
    weekend = sent.day % 7 >= SATURDAY
    return Sends(sent.user, sent.day, sent.hour, histories, sent.engaged, sent.propensity, weekend)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures; ends with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m verification.hour_values", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--people", type=int, default=PEOPLE)
    asked = parser.parse_args(arguments)
    bars = study(runs=asked.runs, people=asked.people)
    for each in bars:
        held = f"{each.hits} of {each.runs} intervals held the truth, {each.rate:.1%}, p = {each.p_value:.3f}"
        sys.stdout.write(f"{'holds ' if each.holds else 'MISSED'}  {each.name}: {held}\n")
    sys.exit(0 if all(each.holds for each in bars) else 1)


if __name__ == "__main__":
    main()
