from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.moments import DAY_US
from training.pauses import NO_PAUSES, Pauses, pauses
from training.windows import split

DAYS = st.integers(-20, 200).map(lambda day: day * DAY_US)
STILL = Pauses(np.array([40, 90]) * DAY_US, np.array([60, 95]) * DAY_US)


def every(minutes, first_day, last_day):
    return np.arange(first_day * DAY_US, last_day * DAY_US, minutes * 60_000_000)


def test_months_of_which_nothing_is_known_are_a_pause_and_three_nights_are_none():
    busy = np.concatenate([every(10, 0, 30), every(10, 33, 60), every(10, 150, 200)])

    found = pauses(busy, int(busy[0]), int(busy[-1]))

    assert found.begins.tolist() == [60 * DAY_US - 600_000_000]
    assert found.ends.tolist() == [150 * DAY_US]


def test_a_shop_of_few_events_is_still_for_days_without_a_pause():
    quiet = np.concatenate([every(600, 0, 30), every(600, 60, 100)])

    assert pauses(quiet, 0, int(quiet[-1])).begins.size == 0
    assert pauses(np.array([5]), 5, 5) is NO_PAUSES


@given(DAYS, st.integers(1, 30))
def test_hidden_is_what_begins_in_a_pause_or_reaches_into_one(at, days):
    inside = any(begin < at + days * DAY_US and at < end for begin, end in zip(STILL.begins, STILL.ends, strict=True))

    assert STILL.hide(np.array([at]), days * DAY_US).tolist() == [inside]


@given(DAYS)
def test_the_clock_that_stands_still_in_pauses_goes_back_to_the_moment_or_the_ends_of_its_pause(at):
    clock = STILL.left_out(at)
    first, last = (STILL.put_back(clock, after=each) for each in (False, True))

    assert first <= at <= last
    assert (first, last) == next(
        ((b, e) for b, e in zip(STILL.begins, STILL.ends, strict=True) if b <= at <= e), (at, at)
    )


def test_windows_have_their_shares_of_what_is_known_and_none_begins_or_ends_in_a_pause():
    still = Pauses(np.array([45 * DAY_US]), np.array([137 * DAY_US]))

    found = split(0, 180 * DAY_US, timedelta(days=1), still=still)
    plain = split(0, 88 * DAY_US, timedelta(days=1))

    for its, like in ((found.train, plain.train), (found.valid, plain.valid), (found.test, plain.test)):
        assert (still.left_out(its.start), still.left_out(its.end)) == (like.start, like.end)
    assert found.train.end > 137 * DAY_US
    assert found.test.end == 179 * DAY_US + 1
