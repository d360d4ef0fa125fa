"""The guards asked again in the instant of dispatch: a few statements for all messages that a turn has claimed.

By the present policy, whatever it was when a message was decided on: the trigger is looked up by its name, only the
channel is the message's own.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.departure import Departed, Departing, Objection, objection
from policy.guards import TRANSACTIONAL
from policy.policy import Policy
from policy.watch import watch_of
from serving.cancellations import Caused, cancelled
from serving.claims import Ask, Obstacle
from serving.departures import beside, going
from serving.driver import driver
from serving.findings import pack
from serving.people import People, Person
from serving.standings import Standings
from serving.withdrawal import said, withdraw

_MESSAGES: Final = """
SELECT o.message_id, o.trigger, o.channel, o.due_at, u.user_key, e.seq, e.occurred_at, e.payload
FROM json_each(?) m JOIN outbox o ON o.message_id = m.value JOIN users u ON u.user_no = o.user_no
LEFT JOIN decisions d ON d.trigger_decision_id = o.trigger_decision_id LEFT JOIN events e ON e.seq = d.event_seq
WHERE o.trigger IS NOT NULL
"""
_PENDING: Final = """
WITH persons AS (
    SELECT coalesce(u.merged_into, u.user_no) AS user_no FROM json_each(?) p JOIN users u ON u.user_no = p.value
)
SELECT o.message_id FROM outbox o WHERE o.status = 'pending' AND o.trigger IS NOT NULL AND o.user_no IN (
    SELECT user_no FROM persons
    UNION ALL
    SELECT u.user_no FROM persons JOIN users u ON u.merged_into = persons.user_no
)
"""


class _Message(NamedTuple):
    """A message, and the event that its trigger reacted to, as far as the log still has it."""

    message_id: str
    trigger: str
    channel: str
    decided_at: int
    user_key: str
    event_seq: int | None
    occurred_at: int | None
    payload: str | None


def obstacles(
    connection: Connection, policy: Policy, message_ids: Sequence[str], *, at: int, departs: bool = False
) -> Mapping[str, Obstacle]:
    """Return what the outbox has to know of `objections`; `at` is on the clock of the events, waits are by any."""
    return {
        message_id: Obstacle(
            said(each.reason), None if each.until is None else max(0, each.until - at), pack(each.findings)
        )
        for message_id, each in objections(connection, policy, message_ids, at=at, departs=departs).items()
    }


def asking(policy: Callable[[], Policy], now: Callable[[], int], *, departs: bool = False) -> Ask:
    """Return what a dispatcher asks: the guards of the policy of that moment, on the clock of the events (µs).

    `departs` says that messages go out on that clock, too, as they do not in a replay: caps then count that.
    """
    return lambda connection, message_ids: obstacles(connection, policy(), message_ids, at=now(), departs=departs)


def reconsider(connection: Connection, policy: Policy, user_nos: Iterable[int], *, at: int) -> list[str]:
    """Ask the guards again of all that waits for some people, and withdraw what they forbid for good.

    Args:
        connection: Of the transaction that wrote what changed.
        policy: The present one.
        user_nos: Of whom something became known that may forbid what waits: a refusal, an order, another id.
        at: The moment in microseconds, on the clock of the events.

    Returns:
        The ids of the messages that were withdrawn.
    """
    waiting = _pending_of(connection, user_nos)
    found = objections(connection, policy, waiting, at=at) if waiting else {}
    ended = {key: each for key, each in found.items() if each.until is None}
    withdraw(connection, ended)
    return list(ended)


def objections(
    connection: Connection, policy: Policy, message_ids: Sequence[str], *, at: int, departs: bool = False
) -> Mapping[str, Objection]:
    """Return what stands against these messages, by message id; those of no trigger have no guards.

    Args:
        connection: Of the transaction that claims them.
        policy: The present one.
        message_ids: Which.
        at: The moment in microseconds, on the clock of the events.
        departs: Whether caps also count when messages really went out, on the same clock.
    """
    rows = driver(connection).execute(_MESSAGES, (json.dumps(list(message_ids)),)).fetchall()
    messages = [_Message(*row) for row in rows]
    if not messages:
        return {}
    people = People(connection)
    people.find(each.user_key for each in messages)
    asked = [(each, person) for each in messages if (person := people.get(each.user_key)) is not None]
    standings = _standings(connection, policy, asked, at=at)
    ended = cancelled(connection, policy, [_caused(policy, message, person) for message, person in asked])
    crowds = _crowds(connection, policy, asked, at=at) if departs else {}
    found = {}
    for message, person in asked:
        trigger, is_ended = policy.by_name.get(message.trigger), message.message_id in ended
        crowd = crowds.get(message.message_id, ())
        departing = Departing(trigger, message.channel, message.decided_at, person.excluded, is_ended, crowd)
        found[message.message_id] = objection(departing, standings.of(person, until=0), at=at)
    return {message_id: each for message_id, each in found.items() if each is not None}


def _standings(
    connection: Connection, policy: Policy, asked: Sequence[tuple[_Message, Person]], *, at: int
) -> Standings:
    """Read what the guards of these messages look at."""
    known = [each for each, _ in asked if each.trigger in policy.by_name]
    guarded = ((policy.by_name[each.trigger].guards, each.channel) for each in known)
    standings = Standings(connection, watch_of(guarded, shop_zone=policy.shop_zone))
    standings.prepare([person for _, person in asked], [], at=at)
    return standings


def _crowds(
    connection: Connection, policy: Policy, asked: Sequence[tuple[_Message, Person]], *, at: int
) -> Mapping[str, tuple[Departed, ...]]:
    """Return what else goes out to whom a capped message is for, by its id."""
    capped = {each.name: each.guards.longest_cap_us for each in policy.triggers if each.guards.caps}
    of = [(message, person) for message, person in asked if message.trigger in capped]
    if not of:
        return {}
    after = at - max(capped[message.trigger] for message, _ in of)
    uncounted = [each.name for each in policy.triggers if each.message_class == TRANSACTIONAL]
    others = going(connection, {person.no for _, person in of}, after=after, but_for=uncounted)
    claimed = frozenset(message.message_id for message, _ in asked)
    return {
        message.message_id: beside(
            message.message_id, message.decided_at, others.get(person.no, ()), claimed=claimed, at=at
        )
        for message, person in of
    }


def _caused(policy: Policy, message: _Message, person: Person) -> Caused:
    trigger = policy.by_name.get(message.trigger)
    return Caused(message.message_id, trigger, person.no, message.event_seq, message.occurred_at, message.payload)


def _pending_of(connection: Connection, user_nos: Iterable[int]) -> list[str]:
    """Return the ids of the messages of triggers that wait for these people, under whatever id."""
    rows = driver(connection).execute(_PENDING, (json.dumps(list(user_nos)),)).fetchall()
    return [message_id for (message_id,) in rows]
