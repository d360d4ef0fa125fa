"""Two kinds of day: Monday to Friday, and Saturday and Sunday, on which people are there at other hours."""

from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from models.circle import HOURS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KINDS: Final = 2
"""A working day is 0 where kinds are counted, a day of the weekend 1."""
SATURDAY: Final = 5
_HOUR: Final = np.arange(HOURS)
# Whether today and tomorrow are of the weekend, the hour now, and each hour of the day.
_AHEAD: Final = np.array(
    [
        [np.where(_HOUR[:, None] <= _HOUR, bool(today), bool(tomorrow)) for tomorrow in range(KINDS)]
        for today in range(KINDS)
    ]
)


def is_weekend(day: date) -> bool:
    """Whether a day is a Saturday or a Sunday."""
    return day.weekday() >= SATURDAY


def weekend_ahead(shown: datetime) -> Bools:
    """Return of each hour of the day, of shape (24,), whether it is next there on a Saturday or Sunday.

    `shown` is what a clock there shows now; the hour under way is there now.
    """
    today = shown.weekday()
    found: Bools = _AHEAD[int(today >= SATURDAY), int((today + 1) % 7 >= SATURDAY), shown.hour]
    return found


def given_the_day(weights: Floats, by_day: Floats, weekend: Bools) -> Floats:
    """Return what speaks for each hour given the kind of day that it lies on; the sum of a whole day stays.

    Args:
        weights: Of each hour on any day, of shape (n, 24).
        by_day: What part of it each hour has on working days and on weekends, of shape (2, 24).
        weekend: On which kind of day each hour lies, of a shape that broadcasts to (n, 24).
    """
    total = weights.sum(axis=1, keepdims=True)
    of_both = (weights * each for each in by_day)
    working, free = (each * (total / each.sum(axis=1, keepdims=True)) for each in of_both)
    found: Floats = np.where(weekend, free, working)
    return found
