from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import BadEvent
from features.moments import iso, read_moment, to_moment, to_us, utc_offset_s, zone, zone_names

NOON = 1_501_588_800_000_000  # 2017-08-01T12:00:00Z


@pytest.mark.parametrize(
    "value",
    [
        "2017-08-01T12:00:00Z",
        "2017-08-01T12:00:00.000Z",
        "2017-08-01 12:00:00",
        "2017-08-01 12:00:00 UTC",
        "2017-08-01T14:00:00+02:00",
        "2017-08-01t12:00:00z",
        "2017-08-01T12",
        1_501_588_800,
        1_501_588_800.0,
        1_501_588_800_000,
        1_501_588_800_000_000,
        1_501_588_800_000_000_000,
        "1501588800",
        "1501588800000",
        datetime(2017, 8, 1, 12, tzinfo=UTC),
        datetime(2017, 8, 1, 12),  # noqa: DTZ001 - what a table without zones holds
    ],
)
def test_one_moment_in_many_spellings(value):
    assert read_moment(value, "timestamp") == NOON


def test_a_date_is_its_midnight_also_without_dashes():
    assert read_moment("2017-08-01", "t") == read_moment("20170801", "t") == NOON - 12 * 3_600_000_000


def test_a_fraction_is_kept_to_the_microsecond():
    assert read_moment("2017-08-01T12:00:00.123456Z", "t") == NOON + 123_456
    assert read_moment(1_501_588_800.25, "t") == NOON + 250_000


@pytest.mark.parametrize("value", ["2016-12-31T23:59:60Z", "2017-01-01T08:59:60+09:00"])
def test_a_leap_second_is_the_first_of_the_next_minute(value):
    assert read_moment(value, "t") == read_moment("2017-01-01T00:00:00Z", "t")
    assert read_moment(value.replace("60", "60.5"), "t") == read_moment("2017-01-01T00:00:00.5Z", "t")


@pytest.mark.parametrize(
    "value",
    [
        "2017-07-31T24:00:00Z",
        "2017-07-31T24:00:00.000Z",
        "2017-07-31 24:00:00 UTC",
        "2017-07-31t24:00z",
        "2017-07-31T24",
        "20170731T240000Z",
        "2017-07-31T24:00:00+00:00",
    ],
)
def test_midnight_at_the_end_of_a_day_is_the_next_days(value):
    assert read_moment(value, "t") == NOON - 12 * 3_600_000_000


def test_a_day_ends_where_the_next_one_begins_also_when_the_clocks_change():
    # The last Sunday of March 2017 had 23 hours in Berlin.
    berlin = ZoneInfo("Europe/Berlin")

    assert read_moment("2017-03-26T24:00", "t", local=berlin) == read_moment("2017-03-27", "t", local=berlin)
    assert read_moment("2017-12-31T24:00:00+01:00", "t") == read_moment("2017-12-31T23:00:00Z", "t")


@pytest.mark.parametrize(
    "value", ["2017-08-32 12:00:00 GMT", "2017-13-01t12:00:00z", "2017-12-31T24:00:01Z", "2017-02-29T24:00:00Z"]
)
def test_what_is_refused_is_quoted_as_it_came(value):
    with pytest.raises(BadEvent) as refused:
        read_moment(f" {value} ", "t")

    assert refused.value.reason == f"'{value}' is not a time (ISO 8601, or a number since 1970)"


def test_a_file_may_say_unit_form_and_zone():
    assert read_moment(1_501_588_800, "t", unit="s") == NOON
    assert read_moment("01/08/2017 12:00", "t", form="%d/%m/%Y %H:%M") == NOON
    assert read_moment("2017-08-01 14:00", "t", local=ZoneInfo("Europe/Berlin")) == NOON


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2017-13-01",
        "2017-08-01T25:00:00Z",
        "2017-08-01T12:00:60Z",
        "9999-12-31T24:00:00Z",
        "12:00",
        None,
        True,
        [],
        {},
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_time_is_refused(value):
    with pytest.raises(BadEvent, match="timestamp"):
        read_moment(value, "timestamp")


@pytest.mark.parametrize("value", [0, 1, -1, "1969-12-31", "2200-01-01T00:00:00Z", 10**400, 1e300, "9" * 5000])
def test_a_time_of_another_age_is_refused(value):
    with pytest.raises(BadEvent):
        read_moment(value, "timestamp")


def test_seconds_taken_for_milliseconds_are_refused_rather_than_dated_1970():
    with pytest.raises(BadEvent, match="outside the years"):
        read_moment(1_501_588_800, "timestamp", unit="ms")


@given(st.datetimes(datetime(1990, 1, 1), datetime(2199, 12, 31)))  # noqa: DTZ001
def test_a_moment_written_is_read_back(at):
    moment = (at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert read_moment(iso(moment), "t") == moment


def test_the_offset_follows_the_season():
    summer, winter = NOON, NOON + 180 * 86_400_000_000

    assert utc_offset_s("Europe/Berlin", summer) == 7200
    assert utc_offset_s("Europe/Berlin", winter) == 3600
    assert utc_offset_s("Etc/GMT+5", summer) == -18000


def test_an_offset_that_changes_within_an_hour_changes_in_its_microsecond():
    # Lord Howe puts its clocks on by half an hour at two, which is half past three in the afternoon of UTC.
    change = to_us(datetime(2017, 9, 30, 15, 30, tzinfo=UTC))

    assert utc_offset_s("Australia/Lord_Howe", change - 1) == 10.5 * 3600
    assert utc_offset_s("Australia/Lord_Howe", change) == 11 * 3600


@given(st.sampled_from(sorted(zone_names())), st.datetimes(datetime(1990, 1, 1), datetime(2199, 12, 31)))  # noqa: DTZ001
def test_the_offset_of_any_zone_at_any_moment_is_that_of_its_local_time(name, at):
    moment = at.replace(tzinfo=UTC)
    local = moment.astimezone(ZoneInfo(name)).replace(tzinfo=UTC)

    assert utc_offset_s(name, to_us(moment)) == (local - moment).total_seconds()


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", "localtime", "Factory", "America", "../etc/passwd", "europe/berlin", "x" * 10_000]
)
def test_a_zone_nobody_knows_is_none(name):
    assert zone(name) is None


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_moment_comes_back_to_the_microsecond(at_us):
    assert to_us(to_moment(at_us)) == at_us
