"""What was known of people's hours at a moment, and what they did after it."""

from dataclasses import replace

import numpy as np
import pytest

from features.events import FLAG_MACHINE
from features.habits import read_hours
from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY, MINUTE
from tests.training.habits import a_log, seen
from tests.training.logs import a_crowd, state_known
from training.habits import events_per_visit, habits

CUT, END = JULY + 10 * DAY, JULY + 20 * DAY


def test_the_histories_are_what_serving_would_have_read_at_that_moment(tmp_path):
    rows = a_crowd()
    log = a_log(tmp_path, rows)
    found = habits(log, at := rows[200][1].known_at, at)

    assert len(found) > 10
    expected = [
        read_hours(state_known(rows, log.user_keys[user], at)[None, :], np.array([at]))[0] for user in found.user
    ]
    np.testing.assert_array_equal(found.histories, np.stack(expected))


def test_later_each_hour_of_the_calendar_counts_once_on_the_clock_of_the_person(tmp_path):
    later = [CUT + HOUR, CUT + HOUR + 20 * MINUTE, CUT + DAY + HOUR, CUT + 5 * HOUR]
    log = a_log(tmp_path, [seen("ada", JULY, offset_h=2.0), *(seen("ada", at, offset_h=2.0) for at in sorted(later))])
    found = habits(log, CUT, END)

    assert found.later.tolist() == [[2.0 if hour == 3 else 1.0 if hour == 7 else 0.0 for hour in range(24)]]
    assert found.events.tolist() == [1]


def test_saturdays_and_sundays_count_apart_on_the_clock_of_the_person(tmp_path):
    # The first of July 2017 was a Saturday; ten at night in UTC of a Friday is Saturday to somebody in Berlin.
    friday = JULY + 6 * DAY + 22 * HOUR
    ada, ben = (seen(who, friday, offset_h=ahead) for who, ahead in (("ada", 2.0), ("ben", 0.0)))
    after = [seen("ada", friday + 9 * DAY, offset_h=2.0), seen("ben", friday + 10 * DAY)]
    found = habits(a_log(tmp_path, [ada, ben, *after]), CUT - DAY, END)

    assert [np.argwhere(each).tolist() for each in found.before] == [[[1, 0]], [[0, 22]]]
    # Monday at midnight, and Monday at ten.
    assert [np.argwhere(each).tolist() for each in found.after] == [[[0, 0]], [[0, 22]]]
    assert found.later.sum(axis=1).tolist() == [1.0, 1.0]


def test_an_event_that_tells_no_zone_is_on_the_clock_last_known(tmp_path):
    log = a_log(tmp_path, [seen("ada", JULY, offset_h=-5.0), seen("ada", CUT + 6 * HOUR, offset_h=float("nan"))])

    assert np.flatnonzero(habits(log, CUT, END).later[0]).tolist() == [1]


@pytest.mark.parametrize(
    "row",
    [
        seen("ada", CUT + HOUR, Kind.EMAIL_DELIVERED),
        seen("ada", CUT + HOUR, Kind.EMAIL_OPENED),
        seen("ada", CUT + HOUR, flags=FLAG_MACHINE),
        seen("ada", CUT),
        seen("ada", END + 1),
        seen("new", CUT + HOUR),
    ],
    ids=["delivered", "opened", "a machine", "at the moment itself", "too late", "somebody new"],
)
def test_mail_machines_other_times_and_other_people_are_nobodys_later_activity(tmp_path, row):
    found = habits(a_log(tmp_path, [seen("ada", JULY), row]), CUT, END)

    assert len(found) == 1
    assert not found.later.any()
    assert len(found.came_back) == 0


def test_staff_is_nobody(tmp_path):
    log = a_log(tmp_path, [seen("ada", JULY), seen("staff", JULY + 1)], excluded=("staff",))

    assert [log.user_keys[each] for each in habits(log, CUT, END).user] == ["ada"]
    assert events_per_visit(log) == 1.0


def test_ids_that_are_linked_later_are_one_person_and_what_either_does_counts(tmp_path):
    user, link, _ = seen("ada", CUT + 2 * HOUR, Kind.IDENTIFIED)
    rows = [seen("anonymous:a", JULY), seen("anonymous:a", CUT + HOUR), (user, link, "anonymous:a")]
    found = habits(a_log(tmp_path, [*rows, seen("ada", CUT + 3 * HOUR)]), CUT, END)

    assert np.flatnonzero(found.later[0]).tolist() == [1, 3]
    assert len(found) == 1


def test_the_events_of_a_visit_are_counted(tmp_path):
    rows = [seen("ada", JULY + day * DAY + minute * MINUTE) for day in range(3) for minute in range(5)]
    lone = [seen("ben", JULY + day * DAY) for day in range(3)]
    rows = sorted([*rows, *lone], key=lambda row: row[1].known_at)

    assert events_per_visit(a_log(tmp_path, [replace_known(row, i) for i, row in enumerate(rows)])) == 3.0


def replace_known(row, later_us):
    user, each, linked = row
    return user, replace(each, known_at=each.known_at + later_us), linked
