"""Ceilings on how many messages go out in a minute and in a day, held by counting what is claimed.

Attempts are counted, in slots of ten seconds, in the transaction that claims them: dispatchers of several processes
share one count, and a restart forgets nothing. A window is the slots that it touches, so a ceiling is never exceeded
within any sixty seconds or twenty-four hours; room comes back at most ten seconds late.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

SLOT_US: Final = 10_000_000
_MINUTE, _DAY = 6, 8640
# On both sides: where the clock was set back by more than a window, what it counted there holds nobody up.
_CLAIMED: Final = text(
    "SELECT coalesce(sum(claimed), 0) FROM send_counts WHERE slot BETWEEN :slot - :slots AND :slot + :slots"
)
_COUNT: Final = text(
    "INSERT INTO send_counts (slot, claimed) VALUES (:slot, :claimed)"
    " ON CONFLICT (slot) DO UPDATE SET claimed = send_counts.claimed + excluded.claimed"
)
_FORGET: Final = text("DELETE FROM send_counts WHERE slot < :first")


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Most attempts in any minute and in any day; None where there is no ceiling."""

    per_minute: int | None = None
    per_day: int | None = None

    def room(self, connection: Connection, at: int) -> int | None:
        """Return how many messages may be claimed at a moment of the wall clock (µs); None for any number."""
        slot = at // SLOT_US
        left = [
            max(0, most - int(connection.execute(_CLAIMED, {"slot": slot, "slots": slots}).scalar_one()))
            for most, slots in ((self.per_minute, _MINUTE), (self.per_day, _DAY))
            if most is not None
        ]
        return min(left, default=None)

    def count(self, connection: Connection, claimed: int, at: int) -> None:
        """Write down that so many were claimed."""
        if claimed and (self.per_minute is not None or self.per_day is not None):
            slot = at // SLOT_US
            connection.execute(_COUNT, {"slot": slot, "claimed": claimed})
            connection.execute(_FORGET, {"first": slot - _DAY})
