"""The hours of the people of a batch: what their states say is kept, and read by the model when somebody asks."""

from datetime import datetime
from typing import NamedTuple

from features.layout import Floats
from features.moments import zone
from models.send_hour import SendHour, SendHourModel
from policy.hours import at_hour
from policy.send_hours import Hours


class Profiles:
    """What several people did in each hour of their day, and what the model makes of all of it at once."""

    __slots__ = ("_counts", "_found", "_model")

    def __init__(self, model: SendHourModel, counts: Floats) -> None:
        """`counts` has the shape (n, 24); see `features.habits`."""
        self._model = model
        self._counts = counts
        self._found: list[SendHour] | None = None

    @property
    def everybody(self) -> Floats:
        """How everybody together spends the day, of shape (24,)."""
        return self._model.everybody

    def of(self, row: int) -> SendHour:
        """Return what is known of the person in a row."""
        if self._found is None:
            self._found = self._model.describe(self._counts)
        return self._found[row]


class PersonHours(NamedTuple):
    """One of them.

    Attributes:
        profiles: All of them.
        row: Which.
        timezone: Where the person lives: an IANA name, or None.
    """

    profiles: Profiles
    row: int
    timezone: str | None

    @property
    def known(self) -> SendHour:
        """What is known of their hours."""
        return self.profiles.of(self.row)

    def hours(self) -> Hours:
        """Return how good each hour is, as the policy asks for it."""
        known = self.known
        of_all = self.profiles.everybody.tolist()
        return Hours(known.scores.tolist(), known.confidence, self.timezone is None, of_all)

    def send_at(self, at: int) -> datetime | None:
        """Return when their best hour is next, from a moment in microseconds on; None where it is not known where."""
        place = zone(self.timezone) if self.timezone is not None else None
        return None if place is None else at_hour(at, self.known.best, place)


def hours_of(model: SendHourModel | None, counts: Floats, timezone: str | None) -> PersonHours | None:
    """Return the hours of one person who did this, of shape (24,), in each; None where no model is in service."""
    return None if model is None else PersonHours(Profiles(model, counts.reshape(1, -1)), 0, timezone)
