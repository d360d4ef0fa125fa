"""What a run tells of itself besides its figures."""

import time

from benchmarks.__main__ import Course


def test_each_part_took_as_long_as_until_the_next_one_began() -> None:
    course, begin = Course(), time.perf_counter()
    course.note("first")
    time.sleep(0.3)
    course.note("second")
    course.note("done")
    whole = time.perf_counter() - begin

    seconds = course.seconds()
    assert list(seconds) == ["first", "second"]
    assert 0.3 <= seconds["first"] <= round(whole, 1)
    assert seconds["second"] < seconds["first"]
