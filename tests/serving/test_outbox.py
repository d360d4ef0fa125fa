"""The outbox: what is claimed, by whom, and what settling leaves behind."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import event

from serving import claims, outbox
from serving.message import Message
from serving.outbox import Attempt
from serving.retry import SCHEDULE, Answer, after
from tests.serving.databases import HOUR, NOW, SECOND, database, rows

__all__ = ["database"]
LEASE = 30 * SECOND


def a_message(number=1, endpoint="mail"):
    return Message(f"msg_{number}", f"d{number}.cart", endpoint, f"[{number}]", NOW)


def enqueue(database, *messages, at=NOW):
    with database.begin() as connection:
        outbox.enqueue(connection, messages, at=at)


def claim(database, endpoint="mail", *, at=NOW, at_most=10):
    with database.begin() as connection:
        return claims.take(connection, endpoint, at_most=at_most, at=at, lease_us=LEASE)


def settle(database, claimed, answer, *, at=NOW):
    attempt = Attempt(claimed, at, 1000, answer, after(answer, attempts_made=claimed.attempt, at=at + 1000))
    with database.begin() as connection:
        outbox.settle(connection, [attempt])


def test_a_message_is_written_with_the_decision_or_not_at_all(database):
    with database.connect() as connection:
        outbox.enqueue(connection, [a_message()], at=NOW)
        connection.rollback()

    assert claim(database) == []


def test_a_message_enqueued_twice_is_there_once(database):
    enqueue(database, a_message())
    enqueue(database, a_message())

    assert len(claim(database)) == 1


def test_a_claimed_message_is_nobody_else_s_until_its_lease_is_over(database):
    enqueue(database, a_message())

    first = claim(database)
    assert [(each.message_id, each.body, each.attempt) for each in first] == [("msg_1", "[1]", 1)]
    assert claim(database, at=NOW + LEASE - 1) == []
    assert [each.attempt for each in claim(database, at=NOW + LEASE)] == [2]


def test_the_longest_waiting_goes_first_and_other_endpoints_wait_for_their_own(database):
    enqueue(database, a_message(1), at=NOW)
    enqueue(database, a_message(2), at=NOW - 5)
    enqueue(database, a_message(3, endpoint="sms"), at=NOW - 9)
    enqueue(database, a_message(4), at=NOW + 1)

    assert [each.message_id for each in claim(database, at_most=1)] == ["msg_2"]
    assert [each.message_id for each in claim(database)] == ["msg_1"]
    assert [each.message_id for each in claim(database, "sms")] == ["msg_3"]


def test_what_was_delivered_is_over(database):
    enqueue(database, a_message())
    settle(database, claim(database)[0], Answer(204))

    assert rows(database, "SELECT status, attempts, delivered_at, last_error FROM outbox") == [
        ("delivered", 1, NOW + 1000, None)
    ]
    assert claim(database, at=NOW + 100 * HOUR) == []


def test_a_failure_comes_due_again_after_the_pause(database):
    enqueue(database, a_message())
    settle(database, claim(database)[0], Answer(500, "the receiver answered 500"))
    due = NOW + 1000 + SCHEDULE[1]

    with database.connect() as connection:
        assert outbox.next_due(connection, ["mail", "sms"]) == due
        assert outbox.next_due(connection, ["sms"]) is None
        assert outbox.next_due(connection, []) is None
    assert claim(database, at=due - 1) == []
    assert claim(database, at=due)[0].attempt == 2


def test_after_ten_failures_it_is_dead_and_every_attempt_is_on_record(database):
    enqueue(database, a_message())
    at = NOW
    for _ in SCHEDULE:
        settle(database, claim(database, at=at)[0], Answer(503, "the receiver answered 503"), at=at)
        at += 25 * HOUR

    assert claim(database, at=at) == []
    assert rows(database, "SELECT status, attempts, last_error FROM outbox") == [
        ("dead", 10, "the receiver answered 503")
    ]
    assert rows(database, "SELECT attempt, status_code FROM deliveries ORDER BY attempt") == [
        (attempt, 503) for attempt in range(1, 11)
    ]


def test_an_attempt_whose_lease_ran_out_has_no_say_unless_it_succeeded(database):
    enqueue(database, a_message())
    slow = claim(database)[0]
    again = claim(database, at=NOW + LEASE)[0]

    settle(database, slow, Answer(500, "late failure"), at=NOW + LEASE)
    assert rows(database, "SELECT status, lease_until, last_error FROM outbox") == [("pending", NOW + 2 * LEASE, None)]
    settle(database, slow, Answer(200), at=NOW + LEASE)
    settle(database, again, Answer(500, "later failure"), at=NOW + LEASE + 1)
    assert rows(database, "SELECT status, last_error FROM outbox") == [("delivered", None)]


def test_two_dispatchers_never_claim_the_same_message(database):
    enqueue(database, *(a_message(number) for number in range(200)))

    def take(_):
        with database.begin() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            claimed = claims.take(connection, "mail", at_most=7, at=NOW, lease_us=LEASE)
            return [each.message_id for each in claimed]

    with ThreadPoolExecutor(4) as pool:
        claimed = [each for some in pool.map(take, range(40)) for each in some]

    assert sorted(claimed) == sorted(f"msg_{number}" for number in range(200))


def test_what_waits_for_an_endpoint_that_is_gone_is_buried_some_at_a_time(database):
    enqueue(database, a_message(1), a_message(2), a_message(3, endpoint="sms"))

    with database.begin() as connection:
        first = outbox.bury(connection, "mail", error="gone", at=NOW, at_most=1)
        rest = outbox.bury(connection, "mail", error="gone", at=NOW, at_most=9)
        assert outbox.waiting_for(connection) == {"sms"}
    assert (len(first), sorted([*first, *rest])) == (1, ["msg_1", "msg_2"])
    assert rows(database, "SELECT message_id, last_error FROM outbox WHERE status = 'dead' ORDER BY 1") == [
        ("msg_1", "gone"),
        ("msg_2", "gone"),
    ]


def test_what_is_on_its_way_is_not_buried_before_its_lease_is_over(database):
    enqueue(database, a_message(1))

    with database.begin() as connection:
        claims.take(connection, "mail", at_most=1, at=NOW, lease_us=LEASE)
        assert outbox.bury(connection, "mail", error="gone", at=NOW + LEASE - 1, at_most=9) == []
        assert outbox.bury(connection, "mail", error="gone", at=NOW + LEASE, at_most=9) == ["msg_1"]


def test_a_long_queue_of_one_endpoint_costs_the_others_nothing(database):
    asked = []
    event.listen(database, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    claim(database, "sms")
    with database.connect() as connection:
        outbox.next_due(connection, ["sms"])
        queries = [each for each in asked if "outbox" in each[0]]
        plans = [
            " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
            for statement, values in queries
        ]

    assert len(plans) == 2
    assert all("outbox_pending (status=? AND endpoint=?" in plan for plan in plans)
    assert not any("SCAN" in plan or "FOR ORDER BY" in plan for plan in plans)
