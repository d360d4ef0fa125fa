"""At which hours of the day a person is active."""

import numpy as np
import pytest

from features.activity import PROFILE_HALF_LIFE
from features.catalog import CATALOGUE
from features.events import FLAG_MACHINE
from features.habits import read_hours
from features.kinds import Kind
from features.state import advance, empty, empty_rows, merge
from features.steps import Steps
from tests.features.histories import DAY, HOUR, JULY, Happening


def did(kind, at, *, offset_h=-5, **fields):
    return Happening(kind, occurred_at=at, known_at=at, utc_offset_s=offset_h * 3600.0, **fields)


def folded(*happenings):
    state = empty()
    for seq, each in enumerate(happenings, start=1):
        advance(state, each.record, each.known_at, seq)
    return state


def hours(state, at):
    return read_hours(state[None, :], np.array([at]))[0]


def test_what_a_person_did_counts_in_the_hour_their_clock_showed():
    state = folded(did(Kind.PRODUCT_VIEWED, JULY + 3 * HOUR), did(Kind.ORDER_COMPLETED, JULY + 12 * HOUR))

    found = hours(state, JULY + 12 * HOUR)
    assert np.flatnonzero(found).tolist() == [7, 22]
    assert found[7] == 1.0


def test_it_fades_while_nothing_happens_and_half_is_left_after_the_half_life():
    state = folded(did(Kind.PRODUCT_VIEWED, JULY))
    later = JULY + round(PROFILE_HALF_LIFE.total_seconds() * 1e6)

    assert hours(state, JULY).sum() == 1.0
    assert hours(state, later).sum() == pytest.approx(0.5)


def test_mail_that_was_delivered_and_machines_that_open_it_are_no_habit_of_a_person():
    machine = did(Kind.EMAIL_OPENED, JULY + HOUR, flags=FLAG_MACHINE)
    state = folded(did(Kind.EMAIL_DELIVERED, JULY), machine)

    assert hours(state, JULY + DAY).tolist() == [0.0] * 24


def test_two_ids_that_turn_out_to_be_one_person_have_one_day():
    state, other = folded(did(Kind.PRODUCT_VIEWED, JULY)), folded(did(Kind.PRODUCT_VIEWED, JULY + HOUR))
    merge(state, other)

    assert hours(state, JULY + HOUR).sum() == pytest.approx(2.0, rel=1e-3)


def test_a_batch_of_steps_reads_the_same_hours_as_of_each_moment_and_only_where_asked():
    first, second = did(Kind.PRODUCT_VIEWED, JULY), did(Kind.PRODUCT_VIEWED, JULY + 30 * DAY)
    steps, plain = Steps(hours=True), Steps()
    for each in (steps, plain):
        each.advance(0, first.record.tobytes(), first.known_at, 1)
        each.read(0, JULY + DAY)
        each.advance(0, second.record.tobytes(), second.known_at, 2)
        each.read(0, JULY + 30 * DAY)
        each.read(1, JULY + 30 * DAY)
    features, without = (each.run(empty_rows(2)) for each in (steps, plain))
    found, nothing = steps.hours, plain.hours

    expected = [hours(folded(first), JULY + DAY), hours(folded(first, second), JULY + 30 * DAY), np.zeros(24)]
    np.testing.assert_array_equal(found, np.stack(expected))
    assert nothing.shape == (0, 24)
    np.testing.assert_array_equal(features, without)
    assert features.shape == (3, CATALOGUE.n_features)
