"""The difference of two ROC-AUCs on the same rows, and how sure it is: DeLong's method, by person.

DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating Characteristic
Curves" (Biometrics 44, 1988); where several rows are one person's, as Obuchowski, "Nonparametric Analysis of Clustered
ROC Curve Data" (Biometrics 53, 1997), sums them up. With one row a person the two are the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from training.evaluate import Bools, Floats, Ints, by_user


class Difference(NamedTuple):
    """How far apart two ROC-AUCs are.

    Attributes:
        estimate: The first less the second.
        error: Standard error of that.
    """

    estimate: float
    error: float


def auc_difference(first: Floats, second: Floats, ordered: Bools, user: Ints) -> Difference:
    """Return how much better the first predictions put those who ordered before the others; all of shape (n,).

    Raises:
        ValueError: Fewer than two people ordered, or fewer than two did not: there is no error to be told.
    """
    above = _placements(first, ordered) - _placements(second, ordered)
    yes, no = above[ordered], above[~ordered]
    if np.unique(user[ordered]).size < 2 or np.unique(user[~ordered]).size < 2:
        raise ValueError("two people of each outcome at least make a standard error")
    estimate = float(yes.mean())
    # What each row adds to the difference beyond its share of it.
    beyond = np.where(ordered, above - estimate, 0.0), np.where(ordered, 0.0, above - estimate)
    by_yes, by_no = by_user(np.column_stack(beyond), user).T
    people = by_yes.size
    of_yes, of_no = np.unique(user[ordered]).size, np.unique(user[~ordered]).size
    variance = (
        of_yes / (of_yes - 1) * np.sum(by_yes**2) / yes.size**2
        + of_no / (of_no - 1) * np.sum(by_no**2) / no.size**2
        + 2 * people / (people - 1) * np.sum(by_yes * by_no) / (yes.size * no.size)
    )
    return Difference(estimate, float(np.sqrt(max(variance, 0.0))))


def _placements(predicted: Floats, ordered: Bools) -> npt.NDArray[np.float64]:
    """Return for each row the share of the other outcome's rows that it stands rightly to; half of those it ties with.

    By ranks, as Sun and Xu, "Fast Implementation of DeLong's Algorithm" (IEEE Signal Processing Letters 21, 2014).
    """
    everywhere = rankdata(predicted)
    yes, no = int(ordered.sum()), int((~ordered).sum())
    found = np.empty(predicted.size)
    found[ordered] = (everywhere[ordered] - rankdata(predicted[ordered])) / no
    found[~ordered] = 1.0 - (everywhere[~ordered] - rankdata(predicted[~ordered])) / yes
    return found
