"""What looking every day calls on 99 real comparisons, and what the bounds of the reports call instead."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.confidence_sequence import half_widths
from training.experiment import MOST_LOOKS
from training.spending import bounds
from verification.page import table

FILE = Path(__file__).resolve().parent.parent / "examples" / "asos" / "metric-1.csv.gz"
NAIVE = 1.959963984540054

Floats = npt.NDArray[np.float64]


class Called(NamedTuple):
    """One comparison, and when it was called a difference, in days; None for never.

    Attributes:
        experiment: Its id in the data set, and the variant.
        days: How long it ran.
        looks: How many planned looks it had.
        naive: When |z| first exceeded 1.96 at a checkpoint, however little there was.
        guarded: When it first exceeded the bound of a planned look.
        always: When the confidence sequence first left zero out.
        at_end: Whether it exceeded 1.96 at the last checkpoint.
        effect: Relative difference at the last checkpoint.
    """

    experiment: str
    days: float
    looks: int
    naive: float | None
    guarded: float | None
    always: float | None
    at_end: bool
    effect: float


def comparisons() -> list[Called]:
    """Return all comparisons, in the order of their ids."""
    rows = pd.read_csv(FILE)
    return [
        _called(f"{experiment}/{variant}", part.sort_values("time_since_start"))
        for (experiment, variant), part in rows.groupby(["experiment_id", "variant_id"])
    ]


def rules_table(called: Sequence[Called]) -> str:
    """Return what each rule calls on the real comparisons, and when."""
    rules: dict[str, list[float]] = {
        "fixed test at each checkpoint, \\|z\\| > 1.96": [each.naive for each in called if each.naive is not None],
        "planned looks with their bounds": [each.guarded for each in called if each.guarded is not None],
        "confidence sequence at each checkpoint": [each.always for each in called if each.always is not None],
        "fixed test, once, at the end": [each.days for each in called if each.at_end],
    }
    false = {
        name: sum(not each.at_end for each in called if getattr(each, field) is not None)
        for name, field in zip(rules, ("naive", "guarded", "always"), strict=False)
    }
    rows = [(name, str(len(days)), f"{_middle(days):.1f}", str(false.get(name, 0))) for name, days in rules.items()]
    head = ("rule", "comparisons called", "median day", "of them not significant at the end")
    return table(head, rows)


def calls_table(called: Sequence[Called]) -> str:
    """Return every comparison that the bounds or the fixed test ever call."""
    rows = [
        (
            each.experiment,
            f"{each.days:.1f}",
            str(each.looks),
            _day(each.naive),
            _day(each.guarded),
            _day(each.always),
            "yes" if each.at_end else "no",
            f"{each.effect:+.2%}",
        )
        for each in called
        if each.naive is not None or each.guarded is not None
    ]
    head = ("comparison", "days", "planned looks", "fixed test", "bounds", "sequence", "at the end", "effect")
    return table(head, rows)


def _middle(days: Sequence[float]) -> float:
    return sorted(days)[len(days) // 2] if days else float("nan")


def _day(day: float | None) -> str:
    return "–" if day is None else f"day {day:.1f}"


def _called(name: str, rows: pd.DataFrame) -> Called:
    day, users = rows["time_since_start"].to_numpy(), (rows["count_c"] + rows["count_t"]).to_numpy(dtype=np.float64)
    some = (rows["count_c"].to_numpy() > 0) & (rows["count_t"].to_numpy() > 0)
    error = np.zeros(len(rows))
    error[some] = np.sqrt(rows["variance_c"] / rows["count_c"] + rows["variance_t"] / rows["count_t"])[some]
    difference = (rows["mean_t"] - rows["mean_c"]).to_numpy()
    z = np.divide(difference, error, out=np.zeros(len(rows)), where=error > 0)
    due = _due(users)
    critical = np.full(len(rows), np.inf)
    critical[due] = bounds((users[due] / users[-1]).tolist())
    always = np.abs(difference) > half_widths(error, np.maximum(users, 1.0), planned=int(users[-1]))
    return Called(
        experiment=name,
        days=float(day[-1]),
        looks=int(due.size),
        naive=_first(day, np.abs(z) > NAIVE),
        guarded=_first(day, np.abs(z) >= critical),
        always=_first(day, always & (error > 0)),
        at_end=bool(abs(z[-1]) > NAIVE),
        effect=float(difference[-1] / rows["mean_c"].iloc[-1]),
    )


def _due(users: Floats) -> npt.NDArray[np.int64]:
    """Return the checkpoints that are planned looks, as the reports choose them: 30 at most, the last among them."""
    found, seen = [], 0.0
    for i, count in enumerate(users.tolist()):
        if count - seen >= users[-1] / MOST_LOOKS or (i == users.size - 1 and count > seen):
            found.append(i)
            seen = count
    return np.array(found, dtype=np.int64)


def _first(day: Floats, called: npt.NDArray[np.bool_]) -> float | None:
    return float(day[np.argmax(called)]) if called.any() else None
