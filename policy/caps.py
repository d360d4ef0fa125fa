"""Frequency caps: at most so many messages within any stretch of time of a length."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from policy.quantities import Duration, microseconds


class Sent(NamedTuple):
    """A message that was sent, or withheld for comparison, which counts the same; `at` in microseconds."""

    at: int
    channel: str
    trigger: str


class Cap(BaseModel):
    """At most so many messages within any stretch of time of that length."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
