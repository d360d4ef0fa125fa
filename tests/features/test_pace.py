"""Nobody clicks this fast, and it is noticed at the very event that shows it."""

import numpy as np
import pytest

from features.events import pack_record
from features.kinds import Kind
from features.pace import FEWEST_EVENTS, is_inhuman
from features.state import empty_rows
from features.steps import Steps

SECOND = 1_000_000
START = 1_700_000_000 * SECOND


def clicks(steps, state, n, *, every, first=START):
    """Note so many views, one each so many microseconds; return the moment of the last."""
    for number in range(n):
        at = first + number * every
        steps.advance(state, pack_record(at, Kind.PRODUCT_VIEWED), at, number + 1)
    return at


@pytest.mark.parametrize(
    ("n", "every", "inhuman"),
    [
        (FEWEST_EVENTS, SECOND // 10, True),
        (FEWEST_EVENTS - 1, SECOND // 10, False),
        (FEWEST_EVENTS, SECOND, False),
        (2 * FEWEST_EVENTS, SECOND // 2 - SECOND // 100, True),
        (2 * FEWEST_EVENTS, SECOND // 2 + SECOND // 100, False),
    ],
)
def test_300_events_of_a_visit_at_more_than_120_a_minute_are_no_person(n, every, inhuman):
    states, steps = empty_rows(1), Steps()
    clicks(steps, 0, n, every=every)
    steps.run(states)

    assert is_inhuman(states[0]) is inhuman
    assert steps.inhuman.tolist() == [inhuman]


def test_whoever_is_read_before_the_burst_was_a_person_and_stays_none_after_it_is_over():
    states, steps = empty_rows(2), Steps()
    before = steps.read(0, START)
    end = clicks(steps, 0, FEWEST_EVENTS, every=SECOND // 10)
    within = steps.read(0, end)
    later = clicks(steps, 0, 1, every=1, first=end + 3600 * SECOND)
    after, other = steps.read(0, later), steps.read(1, later)
    steps.run(states)

    assert not is_inhuman(states[0])
    assert steps.inhuman_reads[[before, within, after, other]].tolist() == [False, True, True, False]
    assert steps.inhuman.tolist() == [True, False]


def test_whoever_turns_out_to_be_a_program_is_one_under_the_other_id_too():
    steps = Steps()
    end = clicks(steps, 1, FEWEST_EVENTS, every=SECOND // 10)
    before = steps.read(0, end)
    steps.merge(0, 1)
    after = steps.read(0, end)
    steps.run(empty_rows(2))

    assert steps.inhuman_reads[[before, after]].tolist() == [False, True]


def test_where_nothing_is_folded_nobody_is_found():
    steps = Steps()
    steps.run(empty_rows(3))

    assert np.array_equal(steps.inhuman, [False] * 3)
