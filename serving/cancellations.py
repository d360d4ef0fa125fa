"""Messages that something of their trigger's `cancel_on` made pointless, by the rule that also ends timers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from features.kinds import Kind
from features.suspicion import by_machine
from policy.event_names import of_event
from policy.policy import Policy
from policy.timing import key_of, keys_ended
from policy.triggers import Trigger
from serving.driver import driver
from serving.occasions import Occasion

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
_payload = msgspec.json.Decoder().decode


class Caused(NamedTuple):
    """A message, and the event that its trigger reacted to, as far as policy and log still have them.

    Attributes:
        message_id: Its id.
        trigger: Its trigger; None where the policy has none of that name.
        user_no: Whose it is: the number of the person, not of another of their ids.
        event_seq: Position of the event in the log.
        occurred_at: When it happened, in microseconds.
        payload: What it said, as JSON.
    """

    message_id: str
    trigger: Trigger | None
    user_no: int
    event_seq: int | None
    occurred_at: int | None
    payload: str | None


class _Event(NamedTuple):
    seq: int
    kind: int
    name: str
    occurred_at: int
    payload: str


def is_pointless(connection: Connection, policy: Policy, trigger: Trigger, occasion: Occasion) -> bool:
    """Whether something made what is due pointless, and ended nothing: it came first, or of an id not linked yet."""
    number, payload = occasion.person.no, occasion.event.payload_json
    caused = Caused("", trigger, number, occasion.event_seq, occasion.happened_at, payload)
    return bool(cancelled(connection, policy, [caused]))


def cancelled(connection: Connection, policy: Policy, messages: Iterable[Caused]) -> set[str]:
    """Return the ids of the messages that something made pointless since their event."""
    asked = [each for each in messages if each.trigger and each.trigger.cancel_on and each.occurred_at is not None]
    if not asked:
        return set()
    later = _later(connection, policy, asked)
    return {
        message.message_id
        for message in asked
        if any(_ends(policy, each, message) for each in later.get(message.user_no, ()))
    }


def _later(connection: Connection, policy: Policy, messages: Sequence[Caused]) -> Mapping[int, list[_Event]]:
    """Return by user number what may have cancelled something since the earliest of their events."""
    kinds = {key if isinstance(key, int) else int(Kind.OTHER) for key in policy.recalling}
    earliest: dict[int, int] = {}
    for each in messages:
        moment = each.occurred_at or 0
        earliest[each.user_no] = min(moment, earliest.get(each.user_no, moment))
    walked = json.dumps(earliest)
    found: dict[int, list[_Event]] = {}
    for number, *event in driver(connection).execute(_LATER, (walked, walked, json.dumps(sorted(kinds)))).fetchall():
        found.setdefault(number, []).append(_Event(*event))
    return found


def _ends(policy: Policy, event: _Event, message: Caused) -> bool:
    """Whether an event ends what a message is about: it happened after theirs, or at once and came after it."""
    trigger = message.trigger
    if (event.occurred_at, event.seq) <= (message.occurred_at or 0, message.event_seq or 0):
        return False
    if trigger is not None and trigger.inactive_for is not None and event.seq < (message.event_seq or 0):
        # Whoever is missed was seen again since the event that is named here, which is the first one.
        return False
    if trigger is None or not any(each is trigger for each in of_event(policy.recalling, event.kind, event.name)):
        return False
    properties = _properties(event.payload)
    if by_machine(event.kind, properties):
        return False
    ended = keys_ended(trigger, properties)
    key = key_of(trigger, _properties(message.payload or "{}"))
    return ended is None or key is None or key in ended


def _properties(payload: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _payload(payload).get("properties", {})
    return found
