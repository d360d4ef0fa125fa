"""Quiet hours, through clock changes and over midnight."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.moments import to_moment, to_us
from policy.hours import QuietHours, at_hour, is_within, next_end, read_time

MINUTE = 60_000_000
HOUR = 60 * MINUTE
# A station whose clocks go back by two hours: hours are shown twice, with others between.
TWO_HOURS = [("Antarctica/Troll", "2026-10-25"), ("Antarctica/Troll", "2026-03-29")]
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


@lru_cache(maxsize=2**14)
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


def naively_next(at, hour, zone):
    """The first minute from `at` on at which a clock there shows the hour, trying each, within two days."""
    return next(each for each in range(at, at + 48 * 60 * MINUTE, MINUTE) if shown(each, zone)[:2] == f"{hour:02}")


def is_left_out(found, hour, zone):
    """Whether clocks were just put forward over an hour of that day, so that it is not shown, and another one is."""
    there, before = (to_moment(each).astimezone(zone) for each in (found, found - 3 * HOUR))
    forward = there.utcoffset() > before.utcoffset()
    # What a clock would show that nobody had put forward.
    return forward and there.hour != hour == (there - (there.utcoffset() - before.utcoffset())).hour


@pytest.mark.parametrize(("name", "day"), [each for each in CHANGES if each[0] != "Pacific/Apia"] + TWO_HOURS)
def test_an_hour_of_the_day_is_next_when_a_clock_first_shows_it_whatever_clocks_are_changed(name, day):
    zone = ZoneInfo(name)
    for at in minutes_around(day)[:: 6 * 60 + 7]:
        for hour in range(24):
            found, naive = to_us(at_hour(at, hour, zone)), naively_next(at, hour, zone)
            assert found == naive or (found < naive and is_left_out(found, hour, zone))


@settings(max_examples=1000, derandomize=True, deadline=None)
@given(
    at=st.integers(to_us(datetime(2020, 1, 1, tzinfo=UTC)), to_us(datetime(2030, 12, 31, tzinfo=UTC))),
    hour=st.integers(0, 23),
    name=st.sampled_from(sorted(available_timezones())),
)
def test_in_every_zone_of_2020_to_2030_the_hour_is_shown_within_a_day_and_survives_the_way_through_utc(at, hour, name):
    zone = ZoneInfo(name)
    found = at_hour(at, hour, zone)
    there = found.astimezone(zone)

    assert at <= to_us(found) <= at + 25 * 60 * MINUTE
    assert found.tzinfo is UTC
    assert there.astimezone(UTC) == found
    assert there.hour == hour or is_left_out(to_us(found), hour, zone)
    before = (found - timedelta(microseconds=1)).astimezone(zone)
    assert to_us(found) == at or (there.minute, there.second) == (0, 0) or before.utcoffset() != there.utcoffset()


@pytest.mark.parametrize("year", range(2020, 2031))
def test_around_every_clock_change_of_every_zone_an_hour_survives_the_way_through_utc(year):
    checked = 0
    for zone, change in clock_changes(year):
        for hour in (0, 1, 2, 3, 23):
            for at in (change - 3 * HOUR, change - MINUTE, change, change + HOUR):
                found = at_hour(at, hour, zone)
                there = found.astimezone(zone)
                assert to_us(found) >= at
                assert there.astimezone(UTC) == found
                assert there.hour == hour or is_left_out(to_us(found), hour, zone), (zone.key, change, hour)
                checked += 1

    assert checked > 400


def clock_changes(year):
    """Every moment, to the half hour, at which clocks are changed somewhere; zones that change alike are one."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(0, 371, 7)]
    alike = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        alike.setdefault(tuple(each.astimezone(zone).utcoffset() for each in days), zone)
    for offsets, zone in alike.items():
        for week, one, other in zip(days, offsets, offsets[1:], strict=False):
            if one != other:
                halves = (week + timedelta(minutes=30 * half) for half in range(7 * 48 + 1))
                yield zone, next(to_us(each) for each in halves if each.astimezone(zone).utcoffset() != one)


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
