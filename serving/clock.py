"""What time it is: the wall's, or in a replay that of the largest moment accepted so far."""

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the moments at which things become known."""

    replay: bool

    def now(self) -> int:
        """Return the present moment in microseconds since the epoch."""

    def accept(self, moment: int) -> None:
        """Hear of a moment that an item carries."""


class WallClock:
    """The time of day; what an item carries does not move it."""

    replay = False

    def now(self) -> int:
        """Return the time of day."""
        return wall()

    def accept(self, moment: int) -> None:
        """Stay as it is."""


class ReplayClock:
    """The largest moment accepted so far."""

    replay = True

    def __init__(self, start: int) -> None:
        self._now = start

    def now(self) -> int:
        """Return the largest moment accepted so far."""
        return self._now

    def accept(self, moment: int) -> None:
        """Move to a later moment; an earlier one changes nothing."""
        self._now = max(self._now, moment)


class Ticks:
    """Moments that never repeat and never go back, so that what was read can be told from what came after."""

    def __init__(self, clock: Clock, last: int) -> None:
        self._clock = clock
        self._last = last

    def next(self) -> int:
        """Return the present moment, or the first one after the last that was given out."""
        self._last = max(self._clock.now(), self._last + 1)
        return self._last

    @property
    def behind_us(self) -> int:
        """How far the clock is behind the last moment that was given out, in microseconds."""
        return max(0, self._last - self._clock.now())

    def reach(self, moment: int) -> None:
        """Give out only moments after this one."""
        self._last = max(self._last, moment)


def wall() -> int:
    """Return the time of day in microseconds since the epoch."""
    return time.time_ns() // 1000
