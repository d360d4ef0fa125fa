"""Events that happened in the past, given their place in the log: nothing decides about them any more."""

import json
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from features.events import Event
from serving import profiles
from serving.items import Fate
from serving.log import Appended, Appender
from serving.memberships import look_again
from serving.people import People
from serving.standings import learn
from serving.tracking import Gate

_LAST_ASKED_FOR = """
SELECT coalesce(u.merged_into, u.user_no),
    max((SELECT max(e.at) FROM evaluations e WHERE e.user_no = u.user_no AND e.event_seq IS NULL)) AS last_read
FROM users u
WHERE u.user_no IN (SELECT value FROM json_each(?1)) OR u.merged_into IN (SELECT value FROM json_each(?1))
GROUP BY 1 HAVING last_read IS NOT NULL
"""
_payload = msgspec.json.Decoder().decode


def append_history(
    connection: Connection,
    events: Sequence[Event],
    *,
    origin: str,
    received_at: int,
    tracking: str | None = None,
    observe: Callable[[Sequence[Appended]], None] = lambda _: None,
) -> Counter[Fate]:
    """Append events that happened in the past, sorted by when; return what became of how many.

    An event becomes known when it happened, but not later than now, and after all known or asked of its people.

    Args:
        connection: In a transaction.
        events: The payload of those that were staged is empty, and read from its text where anybody needs it.
        origin: What the log calls them.
        received_at: The present moment, in microseconds.
        tracking: The purpose whose consent lets events in; None where consent to tracking is assumed.
        observe: Told of what was added.
    """
    events = [_whole(each) for each in events]
    people = People(connection)
    appender = Appender(connection, people, origin)
    appender.prepare(events)
    gate = None if tracking is None else Gate(connection, people, tracking)
    if gate is not None:
        gate.prepare(events)
    _mind_what_was_read(connection, people)
    fates: Counter[Fate] = Counter()
    lessons: list[Appended] = []
    for event in events:
        fate = appender.barred(event)
        if fate is None and gate is not None and not gate.admits(event, at=min(event.occurred_at, received_at)):
            fate = Fate.UNTRACKED
            lessons += gate.left(event, seq=appender.position, known_at=received_at)
        elif fate is None:
            earliest = min(event.occurred_at, received_at)
            lessons.append(appender.append(event, earliest=earliest, received_at=received_at))
        fates[fate or Fate.ACCEPTED] += 1
    if gate is not None:
        gate.save()
    appender.save()
    observe(lessons)
    look_again(connection, people, lessons)
    learn(connection, lessons)
    profiles.learn(connection, lessons)
    return fates


def _whole(event: Event) -> Event:
    """Return an event with its payload, if that may teach anything of its person."""
    text = event.payload_json
    teaches = not event.payload and ('"traits"' in text or '"consent"' in text)
    return replace(event, payload=_payload(text)) if teaches else event


def _mind_what_was_read(connection: Connection, people: People) -> None:
    """Let nothing become known before a moment at which its person was evaluated without it."""
    found = {each.no: each for each in people.known()}
    for number, at in connection.exec_driver_sql(_LAST_ASKED_FOR, (json.dumps(list(found)),)):
        found[number].last_known_at = max(found[number].last_known_at, at)
