"""The difference of two ROC-AUCs on the same rows, and how sure it is: DeLong's method, by person.

DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating Characteristic
Curves" (Biometrics 44, 1988); where several rows are one person's, as Obuchowski, "Nonparametric Analysis of Clustered
ROC Curve Data" (Biometrics 53, 1997), sums them up. With one row a person the two are the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.evaluate import Bools, Floats, Ints, by_user


class Difference(NamedTuple):
    """How far apart two ROC-AUCs are.

    Attributes:
        estimate: The first less the second.
        error: Standard error of that.
    """

    estimate: float
    error: float


def auc_difference(
    first: Floats, second: Floats, ordered: Bools, user: Ints, weight: Floats | None = None
) -> Difference:
    """Return how much better the first predictions put those who ordered before the others; all of shape (n,).

    With a weight, a row counts in the pairs it is part of as often as it says.

    Raises:
        ValueError: Fewer than two people ordered, or fewer than two did not: there is no error to be told.
    """
    counts = np.ones(ordered.size) if weight is None else weight
    above = _placements(first, ordered, counts) - _placements(second, ordered, counts)
    if np.unique(user[ordered]).size < 2 or np.unique(user[~ordered]).size < 2:
        raise ValueError("two people of each outcome at least make a standard error")
    estimate = float(np.average(above[ordered], weights=counts[ordered]))
    # What each row adds to the difference beyond its share of it.
    over = counts * (above - estimate)
    beyond = np.where(ordered, over, 0.0), np.where(ordered, 0.0, over)
    by_yes, by_no = by_user(np.column_stack(beyond), user).T
    people = by_yes.size
    of_yes, of_no = np.unique(user[ordered]).size, np.unique(user[~ordered]).size
    yes, no = counts[ordered].sum(), counts[~ordered].sum()
    variance = (
        of_yes / (of_yes - 1) * np.sum(by_yes**2) / yes**2
        + of_no / (of_no - 1) * np.sum(by_no**2) / no**2
        + 2 * people / (people - 1) * np.sum(by_yes * by_no) / (yes * no)
    )
    return Difference(estimate, float(np.sqrt(max(variance, 0.0))))


def _placements(predicted: Floats, ordered: Bools, counts: Floats) -> npt.NDArray[np.float64]:
    """Return for each row the share of the other outcome's rows that it stands rightly to; half of those it ties with.

    By counting in the order of the predictions, as Sun and Xu, "Fast Implementation of DeLong's Algorithm" (IEEE Signal
    Processing Letters 21, 2014) by ranks.
    """
    values, place = np.unique(predicted, return_inverse=True)
    yes = np.bincount(place[ordered], weights=counts[ordered], minlength=values.size)
    no = np.bincount(place[~ordered], weights=counts[~ordered], minlength=values.size)
    below = (np.cumsum(no) - no / 2) / no.sum()
    above = 1.0 - (np.cumsum(yes) - yes / 2) / yes.sum()
    found: Floats = np.where(ordered, below[place], above[place])
    return found
