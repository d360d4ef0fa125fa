"""A circuit breaker: who failed several times in a row is left in peace, then asked with one message at a time."""

from dataclasses import dataclass
from typing import Final

from serving.retry import Answer

FAILURES: Final = 5
"""So many in a row open it."""
PAUSE_US: Final = 30_000_000
LONGEST_PAUSE_US: Final = 300_000_000


@dataclass(slots=True)
class Breaker:
    """How one endpoint has been doing lately; moments are microseconds of the wall clock."""

    failures: int = 0
    open_until: int = 0

    def room(self, at: int, under_way: int) -> int | None:
        """Return how many more messages may go out now: none while it is open, one to try, None for any number."""
        if self.failures < FAILURES:
            return None
        return 0 if at < self.open_until else max(0, 1 - under_way)

    def answered(self, answer: Answer, at: int) -> bool:
        """Take note of what came of an attempt; return whether that opened it.

        Whoever refuses one message for good is well, and so is whoever takes it.
        """
        code = answer.status_code
        if answer.refused or (code is not None and 200 <= code < 300):
            self.failures = 0
            return False
        was_open = at < self.open_until
        self.failures += 1
        if self.failures < FAILURES or was_open:
            return False
        self.open_until = at + min(PAUSE_US << min(self.failures - FAILURES, 8), LONGEST_PAUSE_US)
        return True
