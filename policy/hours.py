"""Hours of a person's own day: whether a moment lies within some, and when they end, clock changes included."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from features.moments import to_moment, to_us, zone
from policy.block import Block

_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1)
_LOOK_AHEAD_H: Final = 50
"""A night ends within a day; a clock change, or a day that an island skips, can take another one."""
_DAYS_AHEAD: Final = 4
"""Clocks are put on by a day at most, and another one passes until an hour comes again."""
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def read_time(text: object) -> object:
    """Turn `21:00` into a time of day; YAML reads it without quotes as 1260, a number to the base of 60.

    Raises:
        ValueError: It is no time of day from 0:00 to 23:59.
    """
    if isinstance(text, int) and not isinstance(text, bool) and 60 <= text < 24 * 60:
        text = f"{text // 60}:{text % 60:02}"
    found = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if isinstance(text, time):
        return text
    if found is None:
        raise ValueError("must be a time of day such as 21:00")
    return time(int(found[1]), int(found[2]))


TimeOfDay = Annotated[time, BeforeValidator(read_time)]


def known_zone(name: str) -> str:
    """Return the IANA name of a zone (ValueError: nobody knows it)."""
    if zone(name) is None:
        raise ValueError("must be the IANA name of a time zone, such as Europe/Berlin")
    return name


Zone = Annotated[str, AfterValidator(known_zone)]


class QuietHours(Block):
    """The hours of the person's own day in which nothing is sent."""

    model_config = ConfigDict(populate_by_name=True)

    start: TimeOfDay = Field(alias="from", description="The first quiet minute, such as `21:00`.")
    end: TimeOfDay = Field(alias="to", description="The first minute that is not quiet any more, such as `08:00`.")
    unknown_zone: Literal["assume", "hold", "shop_zone"] = Field(
        default="hold",
        description="Where somebody's zone is not known: `assume` that of `zone`, `hold`, or take the shop's.",
    )
    zone: Zone | None = Field(default=None, description="IANA name of the zone to assume, such as `Europe/Berlin`.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.start == self.end:
            raise ValueError("from and to are the same: no hour would be quiet, or all of them")
        if (self.unknown_zone == "assume") != (self.zone is not None):
            raise ValueError("zone is needed with unknown_zone: assume, and with nothing else")
        return self

    @cached_property
    def clock(self) -> tuple[str, str]:
        """The first quiet minute and the first that is not any more, as a clock shows them: `21:00`."""
        return f"{self.start:%H:%M}", f"{self.end:%H:%M}"


def is_within(at: int, start: time, end: time, zone: ZoneInfo) -> bool:
    """Whether a moment in microseconds lies in the hours from `start` to before `end`, over midnight if that is less.

    What counts is what a clock on the wall there shows, so an hour that is shown twice is quiet twice.
    """
    shown = to_moment(at).astimezone(zone).time()
    return start <= shown < end if start < end else shown >= start or shown < end


def next_end(at: int, start: time, end: time, zone: ZoneInfo) -> int:
    """Return the first moment from `at` on, in microseconds, that does not lie within the hours."""
    if not is_within(at, start, end, zone):
        return at
    moments = sorted({*_ends(to_moment(at), end, zone), *_changes(to_moment(at), zone)})
    candidates = map(to_us, moments)
    return next(each for each in candidates if each >= at and not is_within(each, start, end, zone))


def at_hour(at: int, hour: int, zone: ZoneInfo) -> datetime:
    """Return the first moment from `at` on, in microseconds, at which a clock on the wall there shows an hour, 0 to 23.

    Of an hour that a clock change leaves out it is the moment at which it would have begun, had nobody changed the
    clocks, which show another one then. An hour that is shown twice is there both times.

    Returns:
        A moment in UTC.
    """
    now = to_moment(at)
    shown = now.astimezone(zone)
    if shown.hour == hour:
        return now
    return next(each for each in _around(shown.date(), hour, zone) if each >= now)


@lru_cache(maxsize=4096)
def _around(day: date, hour: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return when an hour begins there from the day before on, in order: the same for everybody of a zone that day."""
    days = (day + timedelta(days=each) for each in range(-1, _DAYS_AHEAD))
    return tuple(sorted(each for one in days for each in _beginnings(one, hour, zone)))


def _beginnings(day: date, hour: int, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when an hour of a day there begins, in UTC; where it does not exist, when it would have begun."""
    first = datetime.combine(day, time(hour), tzinfo=zone)
    yield first.astimezone(UTC)
    again = first.replace(fold=1).astimezone(UTC)
    if again.astimezone(zone).hour == hour:
        yield again


def _ends(at: datetime, end: time, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when a clock there shows `end`, both times where it does so twice."""
    today = at.astimezone(zone).date()
    for days in range(4):
        for fold in (0, 1):
            shown = datetime.combine(today + timedelta(days=days), end.replace(fold=fold), tzinfo=zone)
            yield shown.astimezone(UTC)


def _changes(at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when clocks there are changed in the days after a moment."""
    for hours in range(_LOOK_AHEAD_H):
        before, after = at + hours * _HOUR, at + (hours + 1) * _HOUR
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield _change(before, after, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment with the later offset, of two moments around a change."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _MICROSECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
