"""What stands against a message in the instant of its claim withdraws it or puts it off, and counts as no attempt."""

import pytest

from serving import claims, outbox
from serving.claims import Obstacle
from serving.message import Message
from serving.outbox import Attempt
from serving.retry import Answer, after
from tests.serving.databases import HOUR, NOW, SECOND, database, rows

__all__ = ["database"]
LEASE = 30 * SECOND
STANDING = "SELECT message_id, status, attempts, last_error, next_attempt_at FROM outbox ORDER BY message_id"


def enqueue(database, *names, lifetime_us=None):
    messages = [Message(f"msg_{name}", f"{name}.cart", "mail", "{}", NOW, lifetime_us) for name in names]
    with database.begin() as connection:
        outbox.enqueue(connection, messages, at=NOW)


def take(database, against, *, at=NOW):
    """Claim what is due; `against` tells what stands against messages, by name."""
    asked = []

    def ask(_connection, message_ids):
        asked.extend(message_ids)
        return {f"msg_{name}": each for name, each in against.items() if f"msg_{name}" in message_ids}

    with database.begin() as connection:
        taken = claims.take(connection, "mail", at_most=10, at=at, lease_us=LEASE, ask=ask)
    return [each.message_id for each in taken], asked


def test_what_is_forbidden_for_good_is_withdrawn_and_the_others_go_out(database):
    enqueue(database, "a", "b")

    taken, asked = take(database, {"a": Obstacle("suppressed: manual")})

    assert (taken, sorted(asked)) == (["msg_b"], ["msg_a", "msg_b"])
    assert [row[:4] for row in rows(database, STANDING)] == [
        ("msg_a", "withdrawn", 0, "suppressed: manual"),
        ("msg_b", "pending", 1, None),
    ]


def test_what_is_put_off_comes_back_by_itself_and_is_asked_about_again(database):
    enqueue(database, "a")
    quiet = Obstacle("quiet_hours: at night", HOUR)

    assert take(database, {"a": quiet}) == ([], ["msg_a"])
    assert rows(database, STANDING) == [("msg_a", "pending", 0, "quiet_hours: at night", NOW + HOUR)]
    assert take(database, {}, at=NOW + HOUR - 1) == ([], [])
    assert take(database, {"a": quiet}, at=NOW + HOUR) == ([], ["msg_a"])
    assert take(database, {}, at=NOW + 2 * HOUR) == (["msg_a"], ["msg_a"])


@pytest.mark.parametrize(("lifetime_us", "status"), [(HOUR, "withdrawn"), (HOUR + 1, "pending")])
def test_what_would_expire_while_it_is_put_off_is_withdrawn(database, lifetime_us, status):
    enqueue(database, "a", lifetime_us=lifetime_us)

    take(database, {"a": Obstacle("quiet_hours: at night", HOUR)})

    assert [row[1:4] for row in rows(database, STANDING)] == [(status, 0, "quiet_hours: at night")]


def test_nobody_is_asked_about_what_expired_anyway(database):
    enqueue(database, "a", lifetime_us=HOUR)

    assert take(database, {}, at=NOW + HOUR) == ([], [])
    assert [row[1:4] for row in rows(database, STANDING)] == [
        ("withdrawn", 0, "expired: it could not be sent in time"),
    ]


def test_a_message_that_was_tried_is_put_off_however_old_and_keeps_its_attempts(database):
    enqueue(database, "a", lifetime_us=HOUR)
    with database.begin() as connection:
        [claim] = claims.take(connection, "mail", at_most=1, at=NOW, lease_us=LEASE)
        answer = Answer(500, "the receiver answered 500")
        outbox.settle(connection, [Attempt(claim, NOW, 1, answer, after(answer, attempts_made=1, at=NOW))])

    take(database, {"a": Obstacle("quiet_hours: at night", 9 * HOUR)}, at=NOW + HOUR)

    assert [row[1:] for row in rows(database, STANDING)] == [("pending", 1, "quiet_hours: at night", NOW + 10 * HOUR)]
