"""Frequency caps: at most so many messages within any stretch of time of a length."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from pydantic import Field

from policy.block import Block
from policy.quantities import Duration, microseconds


class Sent(NamedTuple):
    """A message that was sent, or withheld for comparison, which counts the same; `at` in microseconds."""

    at: int
    channel: str
    trigger: str


class Cap(Block):
    """At most so many messages within any stretch of time of that length."""

    count: int = Field(ge=1, le=1000, description="How many messages.")
    window: Duration = Field(gt=timedelta(0), description="Within how long, rolling: `7d`.")

    @cached_property
    def window_us(self) -> int:
        """The window in microseconds."""
        return microseconds(self.window)

    def is_used_up(self, sends: Iterable[Sent], at: int) -> bool:
        """Whether as many messages as are allowed were sent in the window that ends at a moment in microseconds."""
        return self.used(sends, at) >= self.count

    def used(self, sends: Iterable[Sent], at: int) -> int:
        """Return how many messages were sent in the window that ends at a moment in microseconds."""
        return sum(at - each.at < self.window_us for each in sends)

    def free_from(self, sends: Iterable[Sent], at: int) -> int:
        """Return the first moment from `at` on, in microseconds, when it is not used up, if nothing more is sent."""
        latest = sorted((each.at for each in sends), reverse=True)
        return max(at, latest[self.count - 1] + self.window_us) if len(latest) >= self.count else at

    def room_from(self, others: Iterable[Sent], at: int) -> int:
        """Return the first moment from `at` on, in microseconds, at which one more message fits among others.

        These may be still to come. It fits where no stretch of time of that length that holds it holds too many.
        """
        moments = sorted(each.at for each in others)
        # As many as are allowed, close together: nothing fits among them, nor so near that one stretch holds all.
        for first, last in zip(moments, moments[self.count - 1 :], strict=False):
            if last - first < self.window_us and last - self.window_us < at < first + self.window_us:
                at = first + self.window_us
        return at
