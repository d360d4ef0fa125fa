"""Moments spread out: never more than so many within an hour, none earlier than it may be, none later than it must."""

from hypothesis import given
from hypothesis import strategies as st

from features.moments import HOUR_US
from policy.spread import Spread

START = 1_700_000_000_000_000
moments = st.lists(st.integers(START, START + 6 * HOUR_US), max_size=60)


def spread_out(earliest, per_hour):
    spread, given_out = Spread(per_hour), []
    for each in earliest:
        given_out.append(spread.next(each))
        spread.take(given_out[-1])
    return given_out


@given(moments, st.integers(1, 30))
def test_no_hour_holds_more_than_its_share(earliest, per_hour):
    found = sorted(spread_out(earliest, per_hour))

    assert all(sum(begin <= other < begin + HOUR_US for other in found) <= per_hour for begin in [*found, *earliest])


@given(moments, st.integers(1, 30))
def test_each_gets_the_first_place_that_was_free(earliest, per_hour):
    step, taken = -(-HOUR_US // per_hour), set()
    for wanted, found in zip(earliest, spread_out(earliest, per_hour), strict=True):
        free = -(-wanted // step)
        while free in taken:
            free += 1
        taken.add(free)

        assert found == free * step


def test_who_all_wait_since_long_ago_take_no_room():
    spread = Spread(1000)
    for _ in range(5000):
        spread.take(spread.next(START))

    assert len(spread._first) == 1
    assert spread.next(START) - START >= 5 * HOUR_US - HOUR_US // 1000


def test_a_moment_that_somebody_has_by_other_ways_is_not_given_out():
    spread = Spread(60)
    spread.take(START + 1)

    assert spread.next(START - START % (HOUR_US // 60)) > START
