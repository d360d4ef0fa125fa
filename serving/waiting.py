"""Who waits by a trigger, read from the log alone: of each thing the last event, if nothing cancelled it since."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from features.kinds import Kind
from features.suspicion import by_machine
from policy.decide import TEST_USER
from policy.event_names import by_event, of_event
from policy.runs import EVERYTHING
from policy.timing import key_of, keys_ended
from policy.triggers import Trigger
from serving.chains import BACK
from serving.driver import driver

_NEXT: Final = """
SELECT user_no, last_seq, last_seen_at FROM users
WHERE user_no > ? AND merged_into IS NULL AND last_known_at > ? AND (excluded IS NULL OR excluded = ?)
ORDER BY user_no LIMIT ?
"""
_THESE: Final = """
SELECT DISTINCT p.user_no, p.last_seq, p.last_seen_at
FROM users u JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE u.user_no IN (SELECT value FROM json_each(?))
"""
_EVENTS: Final = f"""
{BACK}
SELECT chain.user_no, e.seq, e.kind, e.name, e.occurred_at, e.payload FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.occurred_at > ?2 AND e.kind IN (SELECT value FROM json_each(?3)) ORDER BY e.occurred_at, e.seq
"""
_EVER: Final = -1
_payload = msgspec.json.Decoder().decode


class Wait(NamedTuple):
    """What somebody waits for, until when, since when and by which event; moments in µs."""

    key: str
    due_at: int
    armed_at: int
    event_seq: int


class Found(NamedTuple):
    """Somebody of the log: their number, their last event when they were looked at, and what they wait for."""

    user_no: int
    last_seq: int
    waits: tuple[Wait, ...]


def people_after(connection: Connection, trigger: Trigger, *, after: int, now: int, at_most: int) -> list[Found]:
    """Return the next people of the log whom a trigger may concern, those who do not wait too; empty at the end.

    Args:
        connection: To read from.
        trigger: One that waits.
        after: The number of the last one of before.
        now: The present moment, in microseconds.
        at_most: How many people.
    """
    allowed = TEST_USER if trigger.rehearses else ""
    rows = driver(connection).execute(_NEXT, (after, _since(trigger, now), allowed, at_most)).fetchall()
    return _found(connection, trigger, rows, now)


def up_to_date(connection: Connection, trigger: Trigger, people: Sequence[Found], *, now: int) -> list[Found]:
    """Look again at those of whom something was heard, or who were linked, since they were looked at."""
    numbers = json.dumps([each.user_no for each in people])
    rows = driver(connection).execute(_THESE, (numbers,)).fetchall()
    known = {(each.user_no, each.last_seq): each for each in people}
    still = [known[row[:2]] for row in rows if row[:2] in known]
    moved = [row for row in rows if row[:2] not in known]
    return still + (_found(connection, trigger, moved, now) if moved else [])


def is_in_time(trigger: Trigger, wait: Wait, at: int) -> bool:
    """Whether a moment (µs) is not too late to decide; whoever was not heard of for longer is quiet all the more."""
    return trigger.inactive_for is not None or at - wait.due_at <= trigger.stale_after_us


def _since(trigger: Trigger, now: int) -> int:
    """Return from when on events count, in microseconds."""
    return _EVER if trigger.inactive_for is not None else now - trigger.waits_us - trigger.stale_after_us


def _found(connection: Connection, trigger: Trigger, people: Sequence[tuple[Any, ...]], now: int) -> list[Found]:
    kinds = {key if isinstance(key, int) else int(Kind.OTHER) for key in _named((*trigger.on, *trigger.cancel_on))}
    asked = (json.dumps([row[0] for row in people]), _since(trigger, now), json.dumps(sorted(kinds)))
    events = defaultdict(list)
    for user_no, *event in driver(connection).execute(_EVENTS, asked).fetchall():
        events[user_no].append(event)
    return [Found(no, last, tuple(_waits(trigger, events[no], seen_at, now))) for no, last, seen_at in people]


def _waits(trigger: Trigger, events: Iterable[Sequence[Any]], seen_at: int, now: int) -> list[Wait]:
    """Return what is still waited for, by events in the order in which they happened."""
    arming, cancelling = _named(trigger.on), _named(trigger.cancel_on)
    waits: dict[str, Wait] = {}
    for seq, kind, name, occurred_at, payload in events:
        properties = _payload(payload).get("properties", {})
        if by_machine(kind, properties):
            continue
        if of_event(cancelling, kind, name):
            ended = keys_ended(trigger, properties)
            waits = {key: each for key, each in waits.items() if not _is_ended(key, ended)}
        if of_event(arming, kind, name) and (key := key_of(trigger, properties)) is not None:
            since = occurred_at if trigger.inactive_for is None else seen_at
            waits[key] = Wait(key, since + trigger.waits_us, occurred_at, seq)
    return [each for each in waits.values() if is_in_time(trigger, each, now)]


@lru_cache(maxsize=64)
def _named(events: tuple[str, ...]) -> Mapping[int | str, tuple[str, ...]]:
    """Return the names of events as `of_event` looks them up; it is asked for each person anew."""
    return by_event((each, each) for each in events)


def _is_ended(key: str, ended: frozenset[str] | None) -> bool:
    return ended is None or key in ended or key == EVERYTHING
