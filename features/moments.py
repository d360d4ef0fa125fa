"""Moments: whatever a sender writes as a time, read to integer microseconds since the epoch."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from features.events import BadEvent

UNITS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds in one unit of a number that stands for a time."""

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = 631_152_000_000_000  # 1990: below it a unit was mistaken or a zero sent
_LATEST: Final = 7_258_118_400_000_000  # 2200
_LARGEST: Final = 1e19  # in nanoseconds it would be the year 2286
_ISO_DATE_DIGITS: Final = 8
_NOWHERE: Final = frozenset({"Factory", "localtime"})
"""What a machine says whose zone was never set, and the zone of the machine that reads it."""
_END_OF_DAY: Final = re.compile(r"(\d{4}-?\d\d-?\d\d)([Tt ])24(?=(:?00){0,2}([.,]0+)?(?![\d:.,]))")
"""Midnight as the last moment of its day, which ISO 8601 allows."""


def read_moment(
    value: object,
    field: str,
    *,
    unit: str | None = None,
    form: str | None = None,
    local: tzinfo = UTC,
) -> int:
    """Return a time in microseconds since the epoch.

    Args:
        value: ISO 8601 text, a number (or its text), or a datetime.
        field: What to name when it cannot be read.
        unit: Of a number, a key of `UNITS`; None: told from its size.
        form: Of text, as in `datetime.strptime`; None: ISO 8601.
        local: The zone of a time that does not say its own.

    Raises:
        BadEvent: It cannot be read, or lies outside the years 1990 to 2199.
    """
    if type(value) is str:
        moment = _of_text(value.strip(), field, unit, form, local)
    elif isinstance(value, datetime):
        moment = _of_datetime(value, local)
    else:
        moment = _of_number(value, field, unit)
    return checked(moment, value, field)


def checked(moment: int, value: object, field: str) -> int:
    """Return a moment that was made of `value`; raises BadEvent where it lies outside the years 1990 to 2199."""
    if not _EARLIEST <= moment < _LATEST:
        raise _outside(value, field)
    return moment


def _of_text(value: str, field: str, unit: str | None, form: str | None, local: tzinfo) -> int:
    try:
        if form is not None:
            return _of_datetime(datetime.strptime(value, form), local)  # noqa: DTZ007
        # With a dash after its year, as most times have it, it is no number.
        if value[4:5] != "-" and _is_number(value, unit):
            return _of_number(float(value) if "." in value else int(value), field, unit)
        found = datetime.fromisoformat(value)
        return to_us(found if found.tzinfo is not None else found.replace(tzinfo=local))
    except (ValueError, OverflowError):
        return _of_respelt(value, field, unit, form, local)


def _of_respelt(value: str, field: str, unit: str | None, form: str | None, local: tzinfo) -> int:
    with suppress(ValueError, OverflowError):
        spelt, later_us = _respelt(value)
        if spelt != value:
            return _of_text(spelt, field, unit, form, local) + later_us
    raise _unreadable(value, field)


def _respelt(value: str) -> tuple[str, int]:
    """Return a time in a spelling that Python knows, and the microseconds that it lacks."""
    if value[-4:] in {" UTC", " GMT"}:
        value = value[:-4] + "+00:00"
    elif value[-1:] == "z":
        value = value[:-1] + "Z"
    if value[14:19] == "59:60":  # a leap second, which the clocks of computers do not have
        return value[:17] + "59" + value[19:], SECOND_US
    if end := _END_OF_DAY.match(value):
        return f"{date.fromisoformat(end[1]) + timedelta(days=1)}{end[2]}00{value[end.end() :]}", 0
    return value, 0


def _is_number(value: str, unit: str | None) -> bool:
    if not value.replace(".", "", 1).isdecimal():
        return False
    # Eight digits are a date (20240131), unless the file says that its times are numbers.
    return unit is not None or len(value) != _ISO_DATE_DIGITS


def _of_datetime(value: datetime, local: tzinfo) -> int:
    if value.tzinfo is None:
        value = value.replace(tzinfo=local)
    return to_us(value)


def _of_number(value: object, field: str, unit: str | None) -> int:
    if type(value) is not int and not (type(value) is float and isfinite(value)):
        raise _unreadable(value, field)
    if abs(value) > _LARGEST:
        raise _outside(value, field)
    scale = UNITS[unit or _unit_of(abs(value))]
    if scale < 1:
        return int(value) // 1000
    return value * int(scale) if type(value) is int else round(value * scale)


def _unit_of(size: float) -> str:
    if size < 1e11:  # the year 5138 in seconds, 1973 in milliseconds
        return "s"
    if size < 1e14:
        return "ms"
    return "us" if size < 1e17 else "ns"


def _unreadable(value: object, field: str) -> BadEvent:
    shown = f"{value!r:.60}" if type(value) is str else f"a {type(value).__name__}"
    return BadEvent(field, f"{shown} is not a time (ISO 8601, or a number since 1970)", "not_a_time")


def _outside(value: object, field: str) -> BadEvent:
    # A number may have more digits than Python agrees to print.
    shown = f"{value!r:.60}" if type(value) is str else "the time"
    return BadEvent(field, f"{shown} is outside the years 1990 to 2199", "out_of_range")


def to_us(moment: datetime) -> int:
    """Return an aware moment as microseconds since the epoch."""
    since: timedelta = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_moment(at_us: int) -> datetime:
    """Return microseconds since the epoch as a moment in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)


def iso(moment: int) -> str:
    """Return a moment as ISO 8601 with Z, to the microsecond."""
    return to_moment(moment).isoformat(timespec="microseconds").replace("+00:00", "Z")


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA names of all zones in which somebody can live."""
    return frozenset(available_timezones()) - _NOWHERE


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, None where there is none of that name."""
    # Asked of the set first: a made-up name would otherwise search the disk each time.
    return ZoneInfo(name) if name in zone_names() else None


def utc_offset_s(name: str, moment: int) -> float:
    """Return the seconds local time is ahead of UTC in a known zone at a moment."""
    steady = _steady_offset_s(name, moment // HOUR_US)
    return _offset_s(name, moment // 1_000_000) if steady is None else steady


@lru_cache(maxsize=16_384)
def _steady_offset_s(name: str, hour: int) -> float | None:
    """Return the offset throughout an hour since the epoch, None where it changes within."""
    first, last = _offset_s(name, hour * 3600), _offset_s(name, hour * 3600 + 3599)
    return first if first == last else None


def _offset_s(name: str, second: int) -> float:
    found = zone(name)
    offset = datetime.fromtimestamp(second, found).utcoffset() if found else None
    return offset.total_seconds() if offset is not None else float("nan")
