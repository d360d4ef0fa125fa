"""Visits, as the log has them."""

from policy.sessions import session_of, sessions
from tests.policy.persons import DAY, HOUR, Person, seen

MINUTE = HOUR // 60
NOW = 100 * DAY


def test_a_pause_of_more_than_half_an_hour_ends_a_visit():
    events = [seen("Page Viewed", NOW - each) for each in (0, 30 * MINUTE, 60 * MINUTE + 1)]

    assert [(each.started_at, each.last_at) for each in sessions(events)] == [
        (NOW - 30 * MINUTE, NOW),
        (NOW - 60 * MINUTE - 1, NOW - 60 * MINUTE - 1),
    ]


def test_what_happens_to_somebody_is_no_visit():
    assert list(sessions([seen("Email Delivered", NOW), seen("Email Opened", NOW - 1)])) == []


def test_a_visit_longer_than_a_day_is_seen_whole():
    history = [seen("Page Viewed", NOW - 20 * MINUTE * n) for n in range(300)]

    found = session_of(Person(at=NOW, history=history))

    assert found is not None
    assert (found.started_at, len(found.events)) == (NOW - 20 * MINUTE * 299, 300)


def test_a_visit_is_over_half_an_hour_after_its_last_event():
    history = [seen("Page Viewed", NOW)]

    assert session_of(Person(at=NOW + 30 * MINUTE, history=history)) is not None
    assert session_of(Person(at=NOW + 30 * MINUTE + 1, history=history)) is None


def test_a_visit_just_over_is_that_of_the_event_that_armed_a_timer_which_is_part_of_it():
    first, last = seen("Page Viewed", NOW), seen("Product Viewed", NOW + 5 * MINUTE)

    found = session_of(Person(at=NOW + 3 * HOUR, history=[first, last], event=first))

    assert found is not None
    assert (found.started_at, found.last_at) == (NOW, NOW + 5 * MINUTE)
    later = seen("Page Viewed", NOW + 2 * HOUR)
    assert session_of(Person(at=NOW + 3 * HOUR, history=[first, last, later], event=first)) is None
