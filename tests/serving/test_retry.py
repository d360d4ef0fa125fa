"""What follows an attempt."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.retry import LONGEST_WAIT, SCHEDULE, Answer, Next, Status, after, pause_before, retry_after

NOW = 1_700_000_000_000_000
SECOND = 1_000_000


def test_the_pauses_are_the_specification_s():
    hours = [0, 5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]

    assert [timedelta(microseconds=each) for each in SCHEDULE] == [timedelta(hours=each) for each in hours]
    assert pause_before(10) is None


@given(st.integers(200, 299), st.integers(1, 20))
def test_only_2xx_is_success(status_code, attempts):
    assert after(Answer(status_code), attempts_made=attempts, at=NOW) == Next(Status.DELIVERED, NOW)


@given(st.one_of(st.none(), st.integers(300, 599).filter(lambda code: code != 410)), st.integers(1, 9))
def test_everything_else_is_tried_again_after_the_next_pause(status_code, attempts):
    follows = after(Answer(status_code, "no"), attempts_made=attempts, at=NOW)

    assert follows == Next(Status.PENDING, NOW + SCHEDULE[attempts])


@given(st.one_of(st.none(), st.integers(300, 599)))
def test_after_the_last_attempt_it_is_dead(status_code):
    assert after(Answer(status_code, "no"), attempts_made=10, at=NOW).status is Status.DEAD


def test_gone_is_gone():
    assert after(Answer(410, "gone"), attempts_made=1, at=NOW) == Next(Status.DEAD, NOW, gone=True)


@given(st.integers(-5, 200 * 3600 * SECOND), st.integers(1, 9))
def test_a_receiver_may_ask_for_more_time_but_not_for_ever(asked, attempts):
    follows = after(Answer(429, "slow down", asked), attempts_made=attempts, at=NOW)

    assert follows.next_attempt_at == NOW + max(SCHEDULE[attempts], min(asked, LONGEST_WAIT))
    assert follows.quiet_until == NOW + min(max(asked, 0), LONGEST_WAIT)


def test_retry_after_is_read_as_seconds_or_as_a_date():
    later = datetime.fromtimestamp(NOW / SECOND, UTC) + timedelta(minutes=2)

    assert retry_after(" 120 ", at=NOW) == 120 * SECOND
    assert retry_after(format_datetime(later, usegmt=True), at=NOW) == 120 * SECOND
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT", at=NOW) == 0


@pytest.mark.parametrize(
    "header", [None, "", "soon", "-5", "1.5", "١٢", "Fri, 99 Foo 2026", f"1 Jan 2024 00:00:00 +{10**20}"]
)
def test_an_unreadable_retry_after_says_nothing(header):
    assert retry_after(header, at=NOW) is None


@given(st.text())
def test_no_header_does_any_harm(header):
    wait = retry_after(header, at=NOW)

    assert wait is None or wait >= 0
