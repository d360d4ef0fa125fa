"""The hours of the people of a batch: what their states say is kept, and read by the model when somebody asks."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

import numpy as np

from features.layout import Floats
from features.moments import to_moment, zone
from models.days import weekend_ahead
from models.send_hour import SendHour, SendHourModel
from policy.hours import at_hour
from policy.send_hours import Hours, OnDays


class Profiles:
    """What several people did in each hour of their day, and what the model makes of all of it at once."""

    __slots__ = ("_at", "_counts", "_found", "_model", "_on_days", "_zones")

    def __init__(self, model: SendHourModel, counts: Floats, at: Sequence[int], zones: Sequence[str | None]) -> None:
        """Keep all that tells the hours of several people.

        Args:
            model: What reads them.
            counts: What each did in each hour, of shape (n, 24); see `features.habits`.
            at: The moment of the question of each, in microseconds.
            zones: Where each lives: an IANA name, or None.
        """
        self._model = model
        self._counts = counts
        self._at = at
        self._zones = zones
        self._found: list[SendHour] | None = None
        self._on_days: dict[int, OnDays] = {}

    def of(self, row: int) -> SendHour:
        """Return what is known of the person in a row: of the 24 hours to come, each as it is on its kind of day."""
        if self._found is None:
            ahead = None
            if self._model.by_day is not None:
                asked = zip(self._at, self._zones, strict=True)
                ahead = np.array([weekend_ahead(to_moment(at).astimezone(_clock(place))) for at, place in asked])
            self._found = self._model.describe(self._counts, ahead)
        return self._found[row]

    def any_day(self, row: int) -> Sequence[float]:
        """Return how good each hour is on any day."""
        found: Sequence[float] = self._model.scores(self._counts[row : row + 1])[0].tolist()
        return found

    def on_days(self, row: int) -> OnDays | None:
        """Return how good each hour is on working days, and on weekends; None where all days are alike."""
        if self._model.by_day is None:
            return None
        if row not in self._on_days:
            counts = self._counts[row : row + 1]
            working, free = (self._model.scores(counts, np.array(each))[0].tolist() for each in (False, True))
            self._on_days[row] = working, free
        return self._on_days[row]

    def everybody(self) -> Sequence[float]:
        """Return how everybody together spends the day."""
        found: Sequence[float] = self._model.everybody.tolist()
        return found

    def everybody_on_days(self) -> OnDays | None:
        """Return the same of working days, and of weekends; None where all days are alike."""
        if self._model.by_day is None:
            return None
        return self._model.everybody_on(weekend=False).tolist(), self._model.everybody_on(weekend=True).tolist()


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
        """What is known of their hours in the day to come."""
        return self.profiles.of(self.row)

    def hours(self) -> Hours:
        """Return how good each hour is, as the policy asks for it."""
        found, row = self.profiles, self.row
        on_days = found.on_days(row)
        # Where days are alike, what is known of the hours to come holds of any day.
        scores = found.of(row).scores.tolist() if on_days is None else on_days[0]
        return Hours(
            scores,
            found.of(row).confidence,
            self.timezone is None,
            found.everybody(),
            on_days,
            found.everybody_on_days(),
        )

    def send_at(self, at: int) -> datetime | None:
        """Return when their best hour is next, from a moment in microseconds on; None where it is not known where."""
        place = zone(self.timezone) if self.timezone is not None else None
        return None if place is None else at_hour(at, self.known.best, place)


def hours_of(model: SendHourModel | None, counts: Floats, at: int, timezone: str | None) -> PersonHours | None:
    """Return the hours of one person who did this, of shape (24,), in each; None where no model is in service."""
    return None if model is None else PersonHours(Profiles(model, counts.reshape(1, -1), [at], [timezone]), 0, timezone)


def _clock(timezone: str | None) -> tzinfo:
    """Return the clock whose hours a state keeps: that of the person, or that of UTC where nobody told their zone."""
    return UTC if timezone is None else zone(timezone) or UTC
