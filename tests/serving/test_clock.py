from hypothesis import given
from hypothesis import strategies as st

from serving.clock import ReplayClock, Ticks, WallClock, wall

MOMENTS = st.integers(0, 1 << 52)


def test_the_wall_clock_tells_the_time_of_day_whatever_items_say():
    clock = WallClock()
    before = wall()
    clock.accept(before + 10**12)

    assert before <= clock.now() <= wall()
    assert not clock.replay


@given(start=MOMENTS, moments=st.lists(MOMENTS))
def test_the_replay_clock_shows_the_largest_moment_accepted(start, moments):
    clock = ReplayClock(start)
    for each in moments:
        clock.accept(each)

    assert clock.now() == max([start, *moments])
    assert clock.replay


@given(last=MOMENTS, steps=st.lists(st.tuples(st.sampled_from(["accept", "reach", "next"]), MOMENTS), max_size=30))
def test_ticks_ascend_strictly_and_are_never_before_the_clock(last, steps):
    clock = ReplayClock(0)
    ticks = Ticks(clock, last)
    given_out = [last]
    for what, moment in steps:
        if what == "accept":
            clock.accept(moment)
        elif what == "reach":
            ticks.reach(moment)
            given_out.append(max(given_out[-1], moment))
        else:
            given_out.append(ticks.next())
            assert given_out[-1] == max(clock.now(), given_out[-2] + 1)

    assert ticks.next() > given_out[-1]


def test_ticks_go_on_while_the_time_of_day_stands_still_or_goes_back():
    ticks = Ticks(WallClock(), last := wall() + 10**9)

    assert [ticks.next() - last for _ in range(3)] == [1, 2, 3]
