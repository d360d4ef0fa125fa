"""What a channel refused for good, or did not take in all attempts, goes out on the next one, once."""

import json

import pytest

from policy.source import parse
from serving import outbox
from serving.clock import wall
from serving.dispatcher import Dispatcher
from serving.endpoints import webhook
from serving.fallback import FallingBack
from serving.message import Message, message_id_of
from serving.retry import SCHEDULE
from tests.serving.databases import NOW, SECOND, OwnTransactions, database, rows
from tests.serving.receivers import SECRET, receiving
from tests.serving.test_dispatcher import Attempts, running

__all__ = ["database"]
POLICY = """
format: 1
triggers:
- name: t
  on: Product Added
  threshold: 0
  cool_down: 0
  mode: live
  guards: {consent: none}
  content: {text: Hello}
  channel: {%s: [email, sms, push]}
"""


def refused(database, channel="email", content={"text": "Hello"}, status="dead"):  # noqa: B006 - nobody changes it
    """A message of a decision, as it stands after its channel refused it."""
    message_id = message_id_of("d.t", None if channel == "email" else channel)
    body = json.dumps({"data": {"channel": channel, "content": content}})
    message = Message(message_id, "d.t", "default", body, NOW, 60 * SECOND, 1, "t", channel)
    columns = "trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, propensity"
    with database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT OR IGNORE INTO users (user_no, user_key, last_seq, last_known_at, unit) VALUES (1, 'u', 1, 1, 'u')"
        )
        connection.exec_driver_sql(
            f"INSERT OR IGNORE INTO decisions ({columns}, policy_version, step)"
            " VALUES ('d.t', 'd', 1, 't', ?, 1, 'send', 'sent', 1, 'v', 0)",
            (NOW,),
        )
        outbox.enqueue(connection, [message], at=NOW)
        connection.exec_driver_sql("UPDATE outbox SET status = ? WHERE message_id = ?", (status, message_id))
    return message_id


def fall_back(database, message_id, policy=POLICY % "prefer", at=NOW + SECOND):
    found = parse(policy)
    with database.begin() as connection:
        return FallingBack(lambda: found, lambda: NOW)(connection, [message_id], at)


def waiting(database):
    return rows(database, "SELECT channel, endpoint, user_no, body FROM outbox WHERE status = 'pending'")


def test_the_next_channel_takes_over_with_the_same_content(database):
    assert fall_back(database, refused(database)) == 1

    [(channel, endpoint, user_no, body)] = waiting(database)
    assert (channel, endpoint, user_no) == ("sms", "default", 1)
    assert json.loads(body) == {"data": {"channel": "sms", "content": {"text": "Hello"}}}
    [(message_id,)] = rows(database, "SELECT message_id FROM outbox WHERE status = 'pending'")
    assert message_id == message_id_of("d.t", "sms")


def test_a_refusal_that_is_told_twice_makes_one_message(database):
    message_id = refused(database)
    fall_back(database, message_id)
    fall_back(database, message_id)

    assert len(waiting(database)) == 1


def test_after_the_last_channel_there_is_nowhere_to_go(database):
    assert fall_back(database, refused(database, "push")) == 0


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ({}, POLICY % "together"),
        ({}, "triggers: []"),
        ({"content": {"text": "Another"}}, POLICY % "prefer"),
        ({"status": "delivered"}, POLICY % "prefer"),
    ],
    ids=["channels used together", "a trigger that is gone", "a content that changed", "what was not refused"],
)
def test_nothing_takes_over_from(database, given, policy):
    assert fall_back(database, refused(database, **given), policy) == 0
    assert waiting(database) == []


@pytest.mark.parametrize("linked", [False, True])
def test_it_counts_for_the_caps_of_the_channel_that_it_takes_under_whatever_id(database, linked):
    message_id = refused(database)
    number = 2 if linked else 1
    with database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO users (user_no, user_key, last_seq, last_known_at, unit) VALUES (2, 'w', 1, 1, 'w')"
        )
        connection.exec_driver_sql("UPDATE users SET merged_into = 2 WHERE user_no = 1 AND ?", (linked,))
        connection.exec_driver_sql("INSERT INTO sends VALUES (?, ?, 't', 'email')", (number, NOW))

    assert fall_back(database, message_id) == 1
    assert rows(database, "SELECT user_no, channel FROM sends") == [(number, "sms")]


@pytest.mark.parametrize(("at", "count"), [(NOW + 59 * SECOND, 1), (NOW + 60 * SECOND, 0)])
def test_it_expires_when_the_message_would_have_on_the_channel_before(database, at, count):
    assert fall_back(database, refused(database), at=at) == count
    assert rows(database, "SELECT expires_at FROM outbox WHERE status = 'pending'") == [(NOW + 60 * SECOND,)] * count


async def test_what_a_receiver_did_not_take_in_all_attempts_goes_out_on_the_next_channel(database):
    refused(database, status="pending")
    found, attempts = parse(POLICY % "prefer"), Attempts()
    last = {"attempts": len(SCHEDULE) - 1, "expires_at": wall() + 60 * SECOND}
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET attempts = :attempts, expires_at = :expires_at", last)

    async with receiving(500) as mails, receiving() as texts:
        endpoints = {name: webhook(name, each.url, SECRET) for name, each in (("mail", mails), ("texts", texts))}
        dispatcher = Dispatcher(
            OwnTransactions(database),
            endpoints,
            wall=wall,
            channels={"email": "mail", "sms": "texts"},
            fall_back=FallingBack(lambda: found, lambda: NOW),
            observe=attempts,
        )
        async with running(dispatcher):
            await attempts.number(2)

    assert (len(mails.ids), texts.ids) == (1, [message_id_of("d.t", "sms")])
    assert rows(database, "SELECT channel, status FROM outbox ORDER BY channel") == [
        ("email", "dead"),
        ("sms", "delivered"),
    ]
