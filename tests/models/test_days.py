"""Two kinds of day: which hours lie on which, and what that makes of a person's hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.moments import to_moment, to_us
from models.days import given_the_day, is_weekend, weekend_ahead
from models.response import Response
from policy.hours import at_hour
from tests.models.hours import EVERYBODY, OWLS, a_day, a_model, counted
from tests.models.test_response import RATIOS, SENT, STUMP

HOUR = 3_600_000_000
FRIDAY_EVENING = datetime(2026, 3, 6, 20, 15, tzinfo=ZoneInfo("Europe/Berlin"))
LATE_ON_WEEKENDS = np.stack([np.where(np.arange(24) < 3, 0.5, 1.0), np.where(np.arange(24) < 3, 3.0, 1.0)])
histories = arrays(np.float64, (3, 24), elements=st.floats(0.0, 500.0))
factors = arrays(np.float64, (2, 24), elements=st.floats(0.05, 20.0))
days = arrays(np.bool_, (3, 24))


def models(**fields):
    """Models of activity and of answers, without trees and with some."""
    cohorts = {"cohorts": np.stack([EVERYBODY, OWLS]), "shares": np.array([0.6, 0.4])}
    responses = [None, Response(RATIOS, SENT, (-0.25, 0.5, 1.5)), Response(RATIOS, SENT, (-0.25, 0.5, 1.5), STUMP)]
    return [
        a_model(**cohorts, response=each, text=text, **fields)
        for each, text in zip([*responses, None], ["", "", STUMP, STUMP], strict=True)
    ]


@given(histories, days)
@settings(max_examples=50, deadline=None)
def test_where_every_factor_is_one_nothing_is_told_otherwise_to_the_last_bit(counts, weekend):
    for plain, alike in zip(models(), models(by_day=np.ones((2, 24))), strict=True):
        assert plain.scores(counts).tobytes() == alike.scores(counts, weekend).tobytes()
        assert plain.everybody.tobytes() == alike.everybody_on(weekend=True).tobytes()
        for one, other in zip(plain.describe(counts), alike.describe(counts, weekend), strict=True):
            assert one.scores.tobytes() == other.scores.tobytes()
            assert one[1:] == other[1:]


@given(histories, days, factors)
@settings(max_examples=50, deadline=None)
def test_a_model_that_knows_no_days_is_told_none_and_any_day_is_as_before(counts, weekend, by_day):
    for plain, model in zip(models(), models(by_day=by_day), strict=True):
        assert plain.scores(counts).tobytes() == plain.scores(counts, weekend).tobytes()
        assert plain.scores(counts).tobytes() == model.scores(counts).tobytes()


@given(histories, factors)
@settings(max_examples=50, deadline=None)
def test_on_a_day_of_one_kind_the_hours_are_shares_in_proportion_to_the_factor(counts, by_day):
    model = a_model(by_day=by_day)
    for kind, weekend in enumerate((False, True)):
        expected = a_model().predict(counts) * by_day[kind]
        expected /= expected.sum(axis=1, keepdims=True)

        np.testing.assert_allclose(model.scores(counts, np.array(weekend)), expected)


@given(histories, days, factors)
@settings(max_examples=50, deadline=None)
def test_each_hour_is_as_it_is_on_the_kind_of_day_that_it_lies_on(counts, weekend, by_day):
    for model in models(by_day=by_day):
        mixed = model.scores(counts, weekend)
        working, free = (model.scores(counts, np.array(each)) for each in (False, True))

        # Of an hour around which nothing was sent the worst of the others is told: here enough was sent at all.
        np.testing.assert_array_equal(mixed, np.where(weekend, free, working))
        told = [each.best for each in model.describe(counts, weekend)]
        assert all(row[best] == pytest.approx(row.max()) for row, best in zip(mixed, told, strict=True))


def test_owls_are_up_to_three_on_saturdays_and_in_bed_by_then_in_the_week():
    owls = a_model(cohorts=a_day((23, 5.0), (1, 4.8))[None, :], by_day=LATE_ON_WEEKENDS)
    friday, tuesday = (weekend_ahead(FRIDAY_EVENING + timedelta(days=each)) for each in (0, 4))
    [at_the_end], [in_the_week] = (owls.describe(np.zeros((1, 24)), each[None, :]) for each in (friday, tuesday))

    # Of a Friday at a quarter past eight nine o'clock is a working day's, and one at night a Saturday's.
    assert not friday[20:].any()
    assert friday[:20].all()
    assert at_the_end.best in (0, 1)
    assert in_the_week.best in (22, 23)


@pytest.mark.parametrize(
    ("day", "today", "tomorrow"),
    [
        ("2026-03-05", False, False),
        ("2026-03-06", False, True),
        ("2026-03-07", True, True),
        ("2026-03-08", True, False),
        ("2026-03-09", False, False),
    ],
    ids=["Thursday", "Friday", "Saturday", "Sunday", "Monday"],
)
def test_what_is_left_of_today_is_of_today_and_all_before_of_tomorrow(day, today, tomorrow):
    found = weekend_ahead(datetime.fromisoformat(f"{day}T14:59"))

    assert found.tolist() == [tomorrow] * 14 + [today] * 10
    assert is_weekend(date.fromisoformat(day)) is today


@settings(max_examples=1500, derandomize=True, deadline=None)
@given(
    at=st.integers(to_us(datetime(2020, 1, 1, tzinfo=UTC)), to_us(datetime(2030, 12, 31, tzinfo=UTC))),
    hour=st.integers(0, 23),
    name=st.sampled_from(sorted(available_timezones())),
)
def test_in_every_zone_an_hour_ahead_lies_on_the_day_on_which_it_comes_next(at, hour, name):
    zone = ZoneInfo(name)
    there = at_hour(at, hour, zone).astimezone(zone)

    assert weekend_ahead(to_moment(at).astimezone(zone))[hour] == is_weekend(there) or there.hour != hour


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/Santiago", "2026-04-05"),
        ("America/Santiago", "2026-09-06"),
        ("Africa/Cairo", "2026-04-24"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("America/Havana", "2026-11-01"),
    ],
)
def test_so_it_does_around_clock_changes_which_mostly_come_at_weekends(name, day):
    zone, checked = ZoneInfo(name), 0
    start = to_us(datetime.fromisoformat(day).replace(tzinfo=UTC)) - 30 * HOUR
    for at in range(start, start + 60 * HOUR, 20 * HOUR // 60):
        ahead = weekend_ahead(to_moment(at).astimezone(zone))
        for hour in range(24):
            there = at_hour(at, hour, zone).astimezone(zone)
            if there.hour == hour:
                assert ahead[hour] == is_weekend(there), (to_moment(at), hour)
                checked += 1

    assert checked > 4000


def test_a_sum_of_a_day_stays():
    weights = np.array([counted([8, 9, 20]) + 0.1])
    for weekend in (False, True):
        found = given_the_day(weights, LATE_ON_WEEKENDS, np.array(weekend))

        assert found.sum() == pytest.approx(weights.sum())
