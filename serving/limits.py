"""How many requests a key may make: a token bucket each, told to the caller as the RateLimit header fields.

Header fields: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ROUNDING = 1e-6
"""Of a token; moments are floats, and nobody who waited as told is refused for their last digits."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`quota` requests in each window of `window_s` seconds, at once or spread; a quota of 0 means no limit."""

    quota: int
    window_s: int = 60

    def __post_init__(self) -> None:
        if self.quota < 0 or self.window_s <= 0:
            raise ValueError(f"an allowance is a quota >= 0 in a window > 0 s, not {self.quota} in {self.window_s} s")

    @property
    def policy(self) -> bytes:
        """The value of `RateLimit-Policy`."""
        return f'"default";q={self.quota};w={self.window_s}'.encode()


class Bucket:
    """What is left of one key's allowance; full at first, refilled evenly over the window."""

    __slots__ = ("_capacity", "_per_s", "_stamp", "_tokens")

    def __init__(self, allowance: Allowance, now: float) -> None:
        self._capacity = float(allowance.quota)
        self._per_s = allowance.quota / allowance.window_s
        self._tokens = self._capacity
        self._stamp = now

    def take(self, now: float) -> bool:
        """Take one token at `now` (monotonic seconds); False, and nothing taken, when less than one is left."""
        tokens = self._tokens + (now - self._stamp) * self._per_s
        if tokens > self._capacity:
            tokens = self._capacity
        self._stamp = now
        if tokens < 1.0 - _ROUNDING:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True

    def retry_after_s(self) -> float:
        """Seconds, counted from the last `take`, until there is one token again."""
        return max(0.0, (1.0 - _ROUNDING / 2 - self._tokens) / self._per_s)

    def state(self) -> bytes:
        """The value of `RateLimit` after the last `take`: what is left, and in how many seconds it is full again."""
        return b'"default";r=%d;t=%d' % (self._tokens, math.ceil((self._capacity - self._tokens) / self._per_s))
