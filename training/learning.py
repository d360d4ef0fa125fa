"""From rows with outcomes to a judged model: select, fit, calibrate, compare, refit on everything."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.layout import Catalogue
from models.calibration import Calibrator, Identity
from training.baselines import COUNT, Logistic, compare
from training.calibrate import candidates, choose
from training.drift import drifting
from training.evaluate import Judgement, calibration_by_chance, judge
from training.exposure import NOTHING_SENT, Influenced
from training.fit import Rows, fit, log_odds, parameters, refit
from training.lineage import iso
from training.windows import TooLittleHistory, Window, Windows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_PURCHASES = 100
"""Distinct purchases that some row is a prediction of; fewer cannot carry a model of this many features."""


@dataclass(frozen=True)
class Judged:
    """The model as it was before the last refit, on a window that nothing was learned from.

    Attributes:
        rows: Of the test window, every feature of the catalogue.
        predicted: Calibrated probabilities.
        logistic: Of the logistic regression.
        judgement: How good the model was.
        baselines: How good the others were.
    """

    rows: Rows
    predicted: Floats
    logistic: Floats
    judgement: Judgement
    baselines: dict[str, dict[str, Any]]

    @cached_property
    def calibration_by_chance(self) -> float:
        """Up to which calibration error a perfect model comes on these rows."""
        rows = self.rows
        return calibration_by_chance(self.predicted, rows.ordered, rows.user, rows.weight)


@dataclass(frozen=True)
class Learned:
    """What one horizon's training came to.

    Attributes:
        features: What the model reads, in its order.
        drifted: What it may not read, with the stability index.
        booster: What goes into service.
        refitted: Whether that has learned from all matured rows, or from the first window only.
        calibrator: From its log-odds to probabilities.
        logistic: The baseline, refitted likewise.
        parameters: LightGBM's.
        rows: How many matured rows there are.
        base_rate: Of all of them.
        judged: On the test window.
        messages: What messages made of the rows.
    """

    features: tuple[str, ...]
    drifted: dict[str, float]
    booster: lgb.Booster
    refitted: bool
    calibrator: Calibrator
    logistic: Logistic
    parameters: dict[str, Any]
    rows: int
    base_rate: float
    judged: Judged
    messages: Influenced = NOTHING_SENT


def enough(ordered: npt.NDArray[np.bool_], person: Ints, next_order: Ints) -> int:
    """Return how many distinct purchases the matured rows predict.

    Raises:
        TooLittleHistory: They are too few.
    """
    bought = np.column_stack([person[ordered], next_order[ordered]])
    found = len(np.unique(bought, axis=0)) if len(bought) else 0
    if found < LEAST_PURCHASES:
        raise TooLittleHistory(f"too few purchases to learn from: {found}, and {LEAST_PURCHASES} are needed")
    return found


def learn(
    rows: Rows,
    windows: Windows,
    recent_orders: Ints,
    catalogue: Catalogue,
    *,
    seed: int = 0,
    messages: Influenced = NOTHING_SENT,
) -> Learned:
    """Return the model of these matured rows, and how it did on the last window.

    Args:
        rows: Every feature of the catalogue, in order of time.
        windows: Where to learn, stop, calibrate and judge.
        recent_orders: Of each row, orders in the seven days before.
        catalogue: Names, directions and order of the columns.
        seed: The same rows and seed give the same model.
        messages: What messages made of the rows, to be told with the rest.

    Raises:
        TooLittleHistory: A window lacks one of the two outcomes.
    """
    drifted = drifting(rows.features, catalogue.names)
    chosen = [
        i for i, name in enumerate(catalogue.names) if name not in drifted and _says_something(rows.features[:, i])
    ]
    names = [catalogue.names[i] for i in chosen]
    asked = rows.columns(chosen)
    train, valid, test = (_part(asked, each) for each in (windows.train, windows.valid, windows.test))
    used = parameters(train, [catalogue.directions[i] for i in chosen], seed)
    booster = fit(train, valid, used, names)
    calibrator = _calibrator(booster, asked, windows, test)
    predicted = calibrator(log_odds(booster, test))
    logistic = Logistic.fit(train, names).predict(test.features)
    counts = test.features[:, names.index(COUNT)] if COUNT in names else np.zeros(len(test))
    inside = windows.test.holds(rows.at)
    refitted = refit(asked, booster.num_trees(), used, names) if isinstance(calibrator, Identity) else None
    return Learned(
        features=tuple(names),
        drifted=drifted,
        # A calibrator belongs to the model it was fitted to; without one, the model learns from everything.
        booster=booster if refitted is None else refitted,
        refitted=refitted is not None,
        calibrator=calibrator,
        logistic=Logistic.fit(asked, names),
        parameters=used,
        rows=len(rows),
        base_rate=float(np.average(rows.ordered, weights=rows.weight)),
        judged=Judged(
            rows=rows.where(inside),
            predicted=predicted,
            logistic=logistic,
            judgement=judge(predicted, test.ordered, test.weight),
            baselines=compare(predicted, logistic, counts, recent_orders[inside], test.ordered, test.weight),
        ),
        messages=messages,
    )


def _calibrator(booster: lgb.Booster, asked: Rows, windows: Windows, test: Rows) -> Calibrator:
    if windows.calibrate is None:
        return Identity()
    own = _part(asked, windows.calibrate)
    found = candidates(log_odds(booster, own), own.ordered, own.weight)
    return choose(found, log_odds(booster, test), test.ordered, test.user, test.weight)


def _part(rows: Rows, window: Window) -> Rows:
    part = rows.where(window.holds(rows.at))
    if not 0 < part.ordered.sum() < len(part):
        raise TooLittleHistory(
            f"too few purchases to learn from: of {len(part):,} rows from {iso(window.start)} to {iso(window.end)}, "
            f"{int(part.ordered.sum()):,} were followed by an order"
        )
    return part


def _says_something(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return bool(known.size) and (known.size < values.size or bool(np.any(known != known[0])))
