"""Pauses of a log: long times of which it holds nothing of anybody, so that what happened then is not known."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from features.moments import DAY_US
from training.log import Ints

LEAST_US: Final = 3 * DAY_US
"""Shops are still for a night or over a feast; nobody looks at a shop for three days only where nobody counts."""
LEAST_MISSING: Final = 1_000
"""Events that would have come meanwhile at the pace of the whole log: one of few events is often still for days."""


@dataclass(frozen=True)
class Pauses:
    """When nothing was written down, in order of time; no two overlap.

    Attributes:
        begins: The moment of the last event before each, in microseconds, of shape (n,).
        ends: That of the first event after it.
    """

    begins: Ints
    ends: Ints

    def hide(self, at: Ints, width_us: int) -> npt.NDArray[np.bool_]:
        """Return which moments lie in a pause, or so short before one that it hides a part of the time that follows."""
        following = np.searchsorted(self.ends, at, side="right")
        begins = np.append(self.begins, np.iinfo(np.int64).max)[following]
        return begins < at + width_us

    def left_out(self, at_us: int) -> int:
        """Return a moment on a clock that stands still during pauses."""
        return at_us - int((np.clip(at_us, self.begins, self.ends) - self.begins).sum())

    def put_back(self, clock_us: int, *, after: bool) -> int:
        """Return the moment at which that clock shows a time: of a pause the last one (`after`) or the first."""
        for begin, end in zip(self.begins.tolist(), self.ends.tolist(), strict=True):
            if clock_us < begin or (clock_us == begin and not after):
                break
            clock_us += end - begin
        return clock_us


NO_PAUSES: Final = Pauses(np.empty(0, np.int64), np.empty(0, np.int64))


def pauses(known_at: Ints, first_us: int, last_us: int) -> Pauses:
    """Return the pauses of a log in [first_us, last_us], given when each event became known, in any order."""
    moments = np.sort(known_at[(known_at >= first_us) & (known_at <= last_us)])
    if last_us <= first_us:
        return NO_PAUSES
    least = max(LEAST_US, LEAST_MISSING * (last_us - first_us) / moments.size)
    before = np.flatnonzero(np.diff(moments) > least)
    return Pauses(moments[before], moments[before + 1])
