"""Dead letters are listed, newest first, and tried anew under the ids they had."""

import pytest

from serving.dead_letters import dead_letters, redrive, redrive_all
from serving.errors import InvalidField
from serving.retry import SCHEDULE
from tests.serving.databases import HOUR, database, rows
from tests.serving.receivers import receiving
from tests.serving.test_dispatcher import attempts, clock, dispatching, enqueue, standing

__all__ = ["attempts", "clock", "database"]


def kill(database, error="the mail server refused the recipient: 550", attempts=1):
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'dead', attempts = ?, last_error = ?", (attempts, error))


def page(database, **asked):
    with database.connect() as connection:
        return dead_letters(connection, **({"endpoint": None, "limit": 100, "before": None} | asked))


def test_they_are_listed_page_by_page_each_with_its_reason(database, clock):
    for number in range(5):
        enqueue(database, clock, number)
    enqueue(database, clock, 9, to="sms")
    kill(database)
    enqueue(database, clock, 10)

    seen, before = [], None
    while True:
        found = page(database, endpoint="mail", limit=2, before=before)
        seen += [each.message_id for each in found.messages]
        before = found.next
        if before is None:
            break

    assert seen == [f"msg_mail_{number}" for number in (4, 3, 2, 1, 0)]
    assert page(database, limit=1).messages[0].endpoint == "sms"
    assert page(database).messages[0].error == "the mail server refused the recipient: 550"


@pytest.mark.parametrize("before", ["", "x", "1", "²." + "m", "-1.m", "9" * 30 + ".m"])
def test_a_page_that_was_never_given_out_is_refused(database, before):
    with pytest.raises(InvalidField):
        page(database, before=before)


async def test_what_is_tried_anew_goes_out_under_its_id_with_all_attempts_before_it(database, clock, attempts):
    enqueue(database, clock, 1)
    kill(database, attempts=len(SCHEDULE))
    async with (
        receiving(500, 200) as receiver,
        dispatching(database, clock, attempts, mail=receiver.url) as dispatcher,
    ):
        with database.begin() as connection:
            assert redrive(connection, "msg_mail_1", at=clock()) == 1
            assert redrive(connection, "msg_mail_1", at=clock()) == 0
        dispatcher.wake()
        await attempts.number(1)
        # After its tenth attempt it would be dead again, were the count not taken up anew.
        assert standing(database) == [("pending", 11, "the receiver answered 500")]
        clock.forward(5)
        dispatcher.wake()
        await attempts.number(2)

    assert receiver.ids == ["msg_mail_1"] * 2
    assert standing(database) == [("delivered", 12, None)]
    assert rows(database, "SELECT attempt FROM deliveries ORDER BY attempt") == [(11,), (12,)]


async def test_what_is_tried_anew_does_not_expire_again(database, clock, attempts):
    enqueue(database, clock, 1)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET status = 'dead', expires_at = ?", (clock() - HOUR,))
        assert redrive_all(connection, "mail", at=clock()) == 1
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url):
        await attempts.number(1)

    assert standing(database) == [("delivered", 1, None)]


def test_all_of_one_endpoint_are_tried_anew_and_nothing_else(database, clock):
    enqueue(database, clock, 1, 2)
    enqueue(database, clock, 3, to="sms")
    kill(database)

    with database.begin() as connection:
        assert redrive_all(connection, "mail", at=clock()) == 2

    assert [each[0] for each in standing(database)] == ["pending", "pending", "dead"]


def test_a_message_that_nobody_knows_is_told(database, clock):
    with database.begin() as connection:
        assert redrive(connection, "msg_0", at=clock()) is None
