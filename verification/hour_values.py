"""Whether values of hour policies keep their promise, in the simulator."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from models.days import SATURDAY
from training import world_hours
from training.hour_value import HourValue, hour_value
from training.send_hour_fit import fit as fit_hours
from training.send_response import Sends, fit
from training.world_hours import Listeners
from verification import page
from verification.bars import Bar
from verification.runs import Runs

LOGS, DAYS, SEED = 300, 60, 20_261_130
PEOPLE: Final = 3000
"""So many that some 225 messages tell of a rule's hours; below 200 the report says nothing."""
EXPLORATION: Final = 0.2
LEVEL: Final = 0.95
COHORTS: Final = 3
Floats = npt.NDArray[np.float64]


def verified(runs: Runs) -> list[Bar]:
    """Return what is promised with what was found, and write it to the page."""
    runs.note(f"values of hours by {LOGS} logs of {PEOPLE:,} people")
    bars = study(runs)
    page.write("hour values", page.bars_table(bars))
    return bars


def study(runs: Runs, *, logs: int = LOGS, people: int = PEOPLE, seed: int = SEED) -> list[Bar]:
    """Return how often intervals held the truth, of two rules and by two estimators; all seeds follow from `seed`."""
    hits: dict[str, int] = {}
    for found in runs.of(partial(_run, people), range(seed, seed + logs)):
        for name, holds in found:
            hits[name] = hits.get(name, 0) + holds
    return [Bar(name, found, logs, LEVEL, "least") for name, found in hits.items()]


def _run(people: int, seed: int) -> list[tuple[str, bool]]:
    """Return whether each interval held the truth: of hours learned from other messages, and of one hour for all."""
    found: list[tuple[str, bool]] = []
    who = world_hours.listeners(people, seed=seed)
    earlier, later = (_sends(who, seed + turn * 1_000_000) for turn in (1, 2))
    histories = who.activity.astype(np.float64)
    model = fit_hours(histories, COHORTS, 5.0, 1.0, {})
    expected = fit(earlier, model).chances(*model.profiles(histories))
    for rule, hour in (("learned hours", expected.argmax(axis=1)), ("20:00 for all", np.full(people, 20))):
        # Messages count, and not people: whoever gets more of them counts more often.
        truth = float(who.clicks[later.user, hour[later.user]].mean())
        value = hour_value(later, hour[later.user], expected[later.user], rule)
        found.extend(_held(value, truth))
    return found


def _held(value: HourValue, truth: float) -> Iterator[tuple[str, bool]]:
    for name, (_, low, high) in (("SNIPS", value.self_normalised), ("DR", value.doubly_robust)):
        yield f"{value.rule}, {name}", low <= truth <= high


def _sends(who: Listeners, seed: int) -> Sends:
    sent = world_hours.sends(who, days=DAYS, seed=seed, exploration=EXPLORATION)
    histories = who.activity.astype(np.float64)[sent.user]
    weekend = sent.day % 7 >= SATURDAY
    return Sends(sent.user, sent.day, sent.hour, histories, sent.engaged, sent.propensity, weekend)
