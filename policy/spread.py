"""Moments spread out, so that what is enrolled together does not come due together."""

from bisect import bisect_right

from features.moments import HOUR_US


class Spread:
    """Gives out moments of which no more than so many lie within any hour.

    They are multiples of one step, each given out once. What is taken is kept as runs of steps, so that a million
    people who all come due at once take no more room than one.
    """

    def __init__(self, per_hour: int) -> None:
        """`per_hour` is the most moments in any hour, its end excluded; 1 at least."""
        self._step = -(-HOUR_US // per_hour)
        self._first: list[int] = []
        self._after: list[int] = []

    def next(self, earliest: int) -> int:
        """Return the first free moment that is not before `earliest` (µs), without taking it."""
        place = -(-earliest // self._step)
        run = self._run_of(place)
        return (place if run is None else self._after[run]) * self._step

    def take(self, moment: int) -> None:
        """Let nobody else have the place of a moment (µs), whether `next` gave it or not."""
        place = moment // self._step
        if self._run_of(place) is not None:
            return
        run = bisect_right(self._first, place)
        if run > 0 and self._after[run - 1] == place:
            run -= 1
            self._after[run] += 1
        else:
            self._first.insert(run, place)
            self._after.insert(run, place + 1)
        if run + 1 < len(self._first) and self._first[run + 1] == self._after[run]:
            self._after[run] = self._after.pop(run + 1)
            del self._first[run + 1]

    def _run_of(self, place: int) -> int | None:
        """Return which run a place lies in; None where it is free."""
        run = bisect_right(self._first, place) - 1
        return run if run >= 0 and place < self._after[run] else None
