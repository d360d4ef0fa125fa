"""Quiet hours, through clock changes and over midnight."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from policy.hours import QuietHours, is_within, next_end, read_time

MINUTE = 60_000_000
# Clocks go forward or back that day: Lord Howe by half an hour, Santiago and Cairo at midnight, Samoa skips a day.
CHANGES = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Santiago", "2026-09-06"),
    ("Africa/Cairo", "2026-04-24"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Kathmandu", "2026-06-01"),
]
NIGHTS = [("21:00", "08:00"), ("22:30", "02:30"), ("02:15", "02:45"), ("00:00", "01:00"), ("23:59", "00:01")]


def minutes_around(day):
    start = int((datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=16)).timestamp()) * 1_000_000
    return range(start, start + 56 * 60 * MINUTE, MINUTE)


def shown(at, zone):
    return datetime.fromtimestamp(at // 1_000_000, zone).strftime("%H:%M")


def naively_quiet(at, start, end, zone):
    """Whether the wall clock's text lies within, told by comparing texts."""
    now = shown(at, zone)
    return start <= now < end if start < end else now >= start or now < end


@pytest.mark.parametrize(("name", "day"), CHANGES)
@pytest.mark.parametrize(("start", "end"), NIGHTS)
def test_quiet_hours_hold_at_every_minute_around_a_clock_change_and_end_at_the_first_that_is_not(name, day, start, end):
    zone, hours = ZoneInfo(name), (read_time(start), read_time(end))
    minutes = minutes_around(day)
    quiet = [naively_quiet(at, start, end, zone) for at in minutes]

    assert [is_within(at, *hours, zone) for at in minutes] == quiet
    following = None
    for at, is_quiet in zip(reversed(minutes), reversed(quiet), strict=True):
        following = following if is_quiet else at
        if following is not None and at % (7 * MINUTE) == 0:
            assert next_end(at, *hours, zone) == following


times = st.times().map(lambda each: each.replace(second=0, microsecond=0, tzinfo=None))
zones = st.sampled_from([name for name, _ in CHANGES])
moments = st.integers(0, 2_000_000_000_000_000)


@settings(max_examples=200)
@given(at=moments, start=times, end=times, name=zones)
def test_the_end_is_not_quiet_and_comes_within_two_days(at, start, end, name):
    zone = ZoneInfo(name)
    if start == end:
        return
    ended = next_end(at, start, end, zone)

    assert at <= ended <= at + 48 * 60 * MINUTE
    assert not is_within(ended, start, end, zone)
    assert ended == at or is_within(ended - 1, start, end, zone)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("21:00", time(21)), ("8:05", time(8, 5)), ("00:00", time()), (1260, time(21)), (60, time(1)), (time(3), time(3))],
)
def test_a_time_of_day_is_read_as_people_and_yaml_write_it(written, meant):
    assert read_time(written) == meant


@pytest.mark.parametrize("written", ["24:00", "7", 7, 21, True, "12:60", "noon", None, 1440, ""])
def test_anything_else_is_no_time_of_day(written):
    with pytest.raises(ValueError, match="must be a time of day such as 21:00"):
        read_time(written)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"from": "9:00", "to": "9:00"}, "are the same"),
        ({"from": "21:00", "to": "8:00", "unknown_zone": "assume"}, "zone is needed"),
        ({"from": "21:00", "to": "8:00", "zone": "Europe/Berlin"}, "zone is needed"),
        ({"from": "21:00", "to": "8:00", "unknown_zone": "assume", "zone": "Berlin"}, "IANA name"),
        ({"from": "21:00"}, "Field required"),
        ({"from": "21:00", "to": "8:00", "unknown_zone": "guess"}, "Input should be"),
    ],
)
def test_quiet_hours_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        QuietHours.model_validate(fields)
