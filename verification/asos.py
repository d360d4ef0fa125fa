"""What looking every day calls on 99 real comparisons, and what the bounds of the reports call instead."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.confidence_sequence import half_widths
from training.experiment import MOST_LOOKS
from training.spending import bounds

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


def comparisons(file: Path = FILE) -> list[Called]:
    """Return all comparisons, in the order of their ids."""
    rows = pd.read_csv(file)
    return [
        _called(f"{experiment}/{variant}", part.sort_values("time_since_start"))
        for (experiment, variant), part in rows.groupby(["experiment_id", "variant_id"])
    ]


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
