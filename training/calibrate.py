"""Fit calibrators on one window and keep one only where it wins on the next."""

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.calibration import Calibrator, Identity, Isotonic, Platt
from training.evaluate import log_loss, losses, upper_bound

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

ISOTONIC_ROWS = 20_000
"""With fewer rows a table learns noise (log-loss .2341 against .2271 with 2,466)."""
LEAST_POSITIVES = 50
LEAST_GAIN = 0.005
"""Of the log-loss: what a calibrator must win to be kept; the gate overlooks as much."""
LEAST_PROBABILITY = 1e-4
NEARLY_FREE = 1e6
"""scikit-learn's C: a straight line through two numbers needs no shrinking."""


def platt(log_odds: Floats, ordered: Bools, weight: Floats | None = None) -> Platt:
    """Return the straight line in log-odds with the best log-loss; all arguments of shape (n,)."""
    fitted = LogisticRegression(C=NEARLY_FREE, max_iter=1000).fit(log_odds.reshape(-1, 1), ordered, weight)
    return Platt(slope=float(fitted.coef_[0, 0]), intercept=float(fitted.intercept_[0]))


def isotonic(log_odds: Floats, ordered: Bools, weight: Floats | None = None) -> Isotonic:
    """Return the rising table with the best squared error, kept away from 0 and 1; all arguments of shape (n,)."""
    fitted = IsotonicRegression(
        y_min=LEAST_PROBABILITY, y_max=1.0 - LEAST_PROBABILITY, out_of_bounds="clip", increasing=True
    ).fit(log_odds, ordered, weight)
    knots = np.asarray(fitted.X_thresholds_, dtype=np.float64)
    return Isotonic(tuple(knots.tolist()), tuple(np.maximum.accumulate(fitted.y_thresholds_).tolist()))


def candidates(log_odds: Floats, ordered: Bools, weight: Floats | None = None) -> list[Calibrator]:
    """Return what the window's size allows, none but the identity where there are few purchases."""
    found: list[Calibrator] = [Identity()]
    if min(ordered.sum(), (~ordered).sum()) >= LEAST_POSITIVES:
        line = platt(log_odds, ordered, weight)
        # A line that falls would turn the model's order around: noise, not calibration.
        found += [line] if line.slope > 0 else []
    if ordered.size >= ISOTONIC_ROWS:
        found.append(isotonic(log_odds, ordered, weight))
    return found


def choose(
    candidates: list[Calibrator], log_odds: Floats, ordered: Bools, user: Ints, weight: Floats | None = None
) -> Calibrator:
    """Return the calibrator that serves the next window best, the first candidate unless another wins clearly.

    Clearly: by half a percent of the log-loss, and surely so by person (one-sided 95 %). What wins by less follows the
    level of one season and misses that of the next (Complete Journey, 24 h: calibration error .047 instead of .020).

    Args:
        candidates: The first is what stays.
        log_odds: Of the next window's rows in order of time, of shape (n,).
        ordered: What followed.
        user: Whose row it is.
        weight: How many rows each stands for.
    """
    present, *others = candidates
    own = losses(present(log_odds), ordered)
    needed = LEAST_GAIN * np.average(own, weights=weight)
    winners = []
    for each in others:
        gained = own - losses(each(log_odds), ordered)
        if np.average(gained, weights=weight) >= needed and upper_bound(-gained, user, weight) < 0:
            winners.append(each)
    return min(winners, key=lambda each: log_loss(each(log_odds), ordered, weight), default=present)
