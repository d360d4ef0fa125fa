"""Whoever fails several times in a row is left in peace, then asked with one message at a time."""

from serving.breaker import FAILURES, LONGEST_PAUSE_US, PAUSE_US, Breaker
from serving.retry import Answer

NO_ANSWER = Answer(None, "no connection")


def opened():
    breaker = Breaker()
    assert [breaker.answered(NO_ANSWER, at) for at in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    return breaker, FAILURES - 1


def test_it_opens_after_so_many_failures_in_a_row_and_no_sooner():
    breaker = Breaker()
    for at in range(FAILURES - 1):
        breaker.answered(Answer(503, "busy"), at)
    breaker.answered(Answer(204), 10)
    for at in range(FAILURES - 1):
        breaker.answered(NO_ANSWER, at)
    assert breaker.room(20, 7) is None

    assert breaker.answered(NO_ANSWER, 20)
    assert breaker.room(20, 0) == 0


def test_a_refused_message_says_nothing_against_the_endpoint():
    breaker = Breaker()
    for at in range(3 * FAILURES):
        breaker.answered(Answer(550, "no such user", refused=True), at)

    assert breaker.room(100, 3) is None


def test_after_the_pause_one_message_tries_and_its_success_closes_it():
    breaker, at = opened()

    assert breaker.room(at + PAUSE_US - 1, 0) == 0
    assert [breaker.room(at + PAUSE_US, under_way) for under_way in (0, 1, 2)] == [1, 0, 0]
    assert not breaker.answered(Answer(250), at + PAUSE_US)
    assert breaker.room(at + PAUSE_US, 2) is None


def test_each_failure_of_the_one_that_tries_doubles_the_pause_up_to_a_limit():
    breaker, at = opened()
    pauses = []
    for _ in range(12):
        at = breaker.open_until
        assert breaker.answered(NO_ANSWER, at)
        pauses.append(breaker.open_until - at)

    assert pauses[:3] == [2 * PAUSE_US, 4 * PAUSE_US, 8 * PAUSE_US]
    assert set(pauses[4:]) == {LONGEST_PAUSE_US}


def test_what_was_under_way_when_it_opened_does_not_lengthen_the_pause():
    breaker, at = opened()
    until = breaker.open_until

    assert [breaker.answered(NO_ANSWER, at + 1) for _ in range(30)] == [False] * 30
    assert breaker.open_until == until
