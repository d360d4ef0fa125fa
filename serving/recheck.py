"""The guards asked again in the instant of dispatch: a few statements for all messages that a turn has claimed.

By the present policy, whatever it was when a message was decided on: the trigger is looked up by its name, only the
channel is the message's own.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from features.kinds import Kind
from policy.departure import Departing, Objection, objection
from policy.event_names import of_event
from policy.timing import key_of, keys_ended
from policy.triggers import Policy, Trigger
from policy.watch import watch_of
from serving.driver import driver
from serving.outbox import Ask, Obstacle
from serving.people import People, Person
from serving.standings import Standings
from serving.withdrawal import said, withdraw

_MESSAGES: Final = """
SELECT o.message_id, o.trigger, o.channel, o.due_at, u.user_key, e.seq, e.occurred_at, e.payload
FROM json_each(?) m JOIN outbox o ON o.message_id = m.value JOIN users u ON u.user_no = o.user_no
LEFT JOIN decisions d ON d.trigger_decision_id = o.trigger_decision_id LEFT JOIN events e ON e.seq = d.event_seq
WHERE o.trigger IS NOT NULL
"""
# What happened after a moment also became known after it: the walk back may end there. Every linked id has its own.
_LATER: Final = """
WITH RECURSIVE chain (user_no, since, seq) AS (
    SELECT u.user_no, p.value, u.last_seq FROM json_each(?) p JOIN users u ON u.user_no = CAST(p.key AS INTEGER)
    UNION ALL
    SELECT u.merged_into, p.value, u.last_seq FROM json_each(?) p JOIN users u ON u.merged_into = CAST(p.key AS INTEGER)
    UNION ALL
    SELECT chain.user_no, chain.since, e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq
    WHERE e.known_at > chain.since
)
SELECT chain.user_no, e.seq, e.kind, e.name, e.occurred_at, e.payload FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.occurred_at >= chain.since AND e.kind IN (SELECT value FROM json_each(?))
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
_payload = msgspec.json.Decoder().decode


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


class _Event(NamedTuple):
    seq: int
    kind: int
    name: str
    occurred_at: int
    payload: str


def obstacles(connection: Connection, policy: Policy, message_ids: Sequence[str], *, at: int) -> Mapping[str, Obstacle]:
    """Return what the outbox has to know of `objections`; `at` is on the clock of the events, waits are by any."""
    return {
        message_id: Obstacle(said(each.reason), None if each.until is None else max(0, each.until - at))
        for message_id, each in objections(connection, policy, message_ids, at=at).items()
    }


def asking(policy: Callable[[], Policy], now: Callable[[], int]) -> Ask:
    """Return what a dispatcher asks: the guards of the policy of that moment, on the clock of the events (µs)."""
    return lambda connection, message_ids: obstacles(connection, policy(), message_ids, at=now())


def reconsider(connection: Connection, policy: Policy, user_nos: Iterable[int], *, at: int) -> int:
    """Ask the guards again of all that waits for some people, and withdraw what they forbid for good.

    Args:
        connection: Of the transaction that wrote what changed.
        policy: The present one.
        user_nos: Of whom something became known that may forbid what waits: a refusal, an order, another id.
        at: The moment in microseconds, on the clock of the events.

    Returns:
        How many messages were withdrawn.
    """
    waiting = _pending_of(connection, user_nos)
    found = objections(connection, policy, waiting, at=at) if waiting else {}
    return withdraw(connection, {key: each.reason for key, each in found.items() if each.until is None})


def objections(
    connection: Connection, policy: Policy, message_ids: Sequence[str], *, at: int
) -> Mapping[str, Objection]:
    """Return what stands against these messages, by message id; those of no trigger have no guards.

    Args:
        connection: Of the transaction that claims them.
        policy: The present one.
        message_ids: Which.
        at: The moment in microseconds, on the clock of the events.
    """
    rows = driver(connection).execute(_MESSAGES, (json.dumps(list(message_ids)),)).fetchall()
    messages = [_Message(*row) for row in rows]
    if not messages:
        return {}
    people = People(connection)
    people.find(each.user_key for each in messages)
    asked = [(each, person) for each in messages if (person := people.get(each.user_key)) is not None]
    known = [each for each in messages if each.trigger in policy.by_name]
    guarded = ((policy.by_name[each.trigger].guards, each.channel) for each in known)
    watch = watch_of(guarded, shop_zone=policy.shop_zone)
    standings = Standings(connection, watch)
    standings.prepare([person for _, person in asked], [], at=at)
    cancelled = _cancelled(connection, policy, asked)
    found = {
        message.message_id: objection(
            Departing(
                policy.by_name.get(message.trigger),
                message.channel,
                message.decided_at,
                person.excluded,
                message.message_id in cancelled,
            ),
            standings.of(person, until=0),
            at=at,
        )
        for message, person in asked
    }
    return {message_id: each for message_id, each in found.items() if each is not None}


def _pending_of(connection: Connection, user_nos: Iterable[int]) -> list[str]:
    """Return the ids of the messages of triggers that wait for these people, under whatever id."""
    rows = driver(connection).execute(_PENDING, (json.dumps(list(user_nos)),)).fetchall()
    return [message_id for (message_id,) in rows]


def _cancelled(connection: Connection, policy: Policy, asked: Sequence[tuple[_Message, Person]]) -> set[str]:
    """Return the messages that something of their trigger's `cancel_on` made pointless since its event."""
    cancellable = [
        (message, person, trigger)
        for message, person in asked
        if message.occurred_at is not None
        and (trigger := policy.by_name.get(message.trigger)) is not None
        and trigger.cancel_on
    ]
    if not cancellable:
        return set()
    later = _later(connection, policy, ((person.no, message.occurred_at or 0) for message, person, _ in cancellable))
    return {
        message.message_id
        for message, person, trigger in cancellable
        if any(_ends(policy, each, message, trigger) for each in later.get(person.no, ()))
    }


def _later(connection: Connection, policy: Policy, since: Iterable[tuple[int, int]]) -> Mapping[int, list[_Event]]:
    """Return by user number what may have cancelled something since a moment of each, in microseconds."""
    kinds = {key if isinstance(key, int) else int(Kind.OTHER) for key in policy.recalling}
    earliest: dict[int, int] = {}
    for number, moment in since:
        earliest[number] = min(moment, earliest.get(number, moment))
    walked = json.dumps(earliest)
    found: dict[int, list[_Event]] = {}
    for number, *event in driver(connection).execute(_LATER, (walked, walked, json.dumps(sorted(kinds)))).fetchall():
        found.setdefault(number, []).append(_Event(*event))
    return found


def _ends(policy: Policy, event: _Event, message: _Message, trigger: Trigger) -> bool:
    """Whether an event ends what a message is about, by the rule of timers: it came, and happened, after theirs."""
    if event.seq <= (message.event_seq or 0) or event.occurred_at < (message.occurred_at or 0):
        return False
    if not any(each is trigger for each in of_event(policy.recalling, event.kind, event.name)):
        return False
    ended = keys_ended(trigger, _properties(event.payload))
    key = key_of(trigger, _properties(message.payload or "{}"))
    return ended is None or key is None or key in ended


def _properties(payload: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _payload(payload).get("properties", {})
    return found
