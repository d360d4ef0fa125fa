"""Windows of time: what a model learns from, stops on, is calibrated on and is judged by, a horizon apart."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from features.moments import DAY_US, SECOND_US
from training.log import Ints
from training.pauses import NO_PAUSES, Pauses

Bools = npt.NDArray[np.bool_]

LEAST_HORIZONS = 4
"""Length of the shortest log worth learning from, in horizons: three to split and one for the last labels."""
CALIBRATED_HORIZONS = 12
"""From here on there is room for a calibration window of its own."""
LONGEST_WARM_UP = timedelta(days=60)
WARM_UP_SHARE = 0.2
SHARES = (0.58, 0.12, 0.12, 0.18)
SHORT_SHARES = (0.6, 0.15, 0.25)


class TooLittleHistory(ValueError):
    """The log is too short, or has too few purchases, to learn from; the message says which."""


@dataclass(frozen=True)
class Window:
    """Moments from `start` up to, not including, `end`, in microseconds."""

    start: int
    end: int

    def holds(self, at: Ints) -> Bools:
        """Return which moments lie in the window."""
        return (at >= self.start) & (at < self.end)


@dataclass(frozen=True)
class Windows:
    """Where each part of the work takes place, in order of time; `calibrate` is None in a short log.

    `gap` is the horizon in microseconds, which lies between two windows.
    """

    train: Window
    valid: Window
    calibrate: Window | None
    test: Window
    gap: int


def microseconds(horizon: timedelta) -> int:
    """Return the length of a horizon."""
    return round(horizon.total_seconds() * SECOND_US)


def warm_up(span_us: int, horizons: list[timedelta]) -> int:
    """Return how much of the log's beginning, in microseconds, to leave to states that have only begun to fill.

    A fifth, 60 days at most, and never so much that a horizon for which the log is long enough comes up short.
    """
    learnable = [microseconds(each) for each in horizons if span_us >= LEAST_HORIZONS * microseconds(each)]
    if not learnable:
        return 0
    room = span_us - LEAST_HORIZONS * max(learnable)
    return min(int(span_us * WARM_UP_SHARE), microseconds(LONGEST_WARM_UP), room)


def split(
    start_us: int, end_us: int, horizon: timedelta, *, first_us: int | None = None, still: Pauses = NO_PAUSES
) -> Windows:
    """Return the windows of the matured moments in [start_us, end_us - horizon], one horizon apart.

    Their shares, and the horizons between them, are of the time of which something is known.

    Args:
        start_us: The first moment to learn from.
        end_us: The last moment that is known.
        horizon: Of the prediction.
        first_us: Where the history begins, if what warms up goes before `start_us`.
        still: When nothing was written down.

    Raises:
        TooLittleHistory: There is not even room for three windows.
    """
    gap = microseconds(horizon)
    start_us, end_us = still.left_out(start_us), still.left_out(end_us)
    span = end_us - gap - start_us
    if span < (LEAST_HORIZONS - 1) * gap:
        warm_us = start_us - still.left_out(first_us) if first_us is not None else 0
        warm = f" ({warm_us / DAY_US:.1f} of them to warm up)" if warm_us else ""
        raise TooLittleHistory(
            f"the history is {(end_us - start_us + warm_us) / DAY_US:.1f} days long{warm}, and a horizon of "
            f"{gap / DAY_US:g} days needs at least {LEAST_HORIZONS * gap / DAY_US:g} in all"
        )
    shares = SHARES if span >= CALIBRATED_HORIZONS * gap else SHORT_SHARES
    free = span - (len(shares) - 1) * gap
    ends = np.cumsum([round(share * free) for share in shares]) + gap * np.arange(len(shares)) + start_us
    starts = [start_us, *(ends[:-1] + gap)]
    # The last matured moment belongs to the test.
    ends[-1] = end_us - gap + 1
    found = [
        Window(still.put_back(int(start), after=True), still.put_back(int(end), after=False))
        for start, end in zip(starts, ends, strict=True)
    ]
    if any(after.start - before.end < gap for before, after in pairwise(found)):
        raise AssertionError("windows must be a horizon apart")
    calibrate = found[2] if len(found) == len(SHARES) else None
    return Windows(train=found[0], valid=found[1], calibrate=calibrate, test=found[-1], gap=gap)
