"""Events read back from a log as they came, in the order in which they became known."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Final

from features.events import ANONYMOUS_PREFIX, Event, ids_behind
from features.kinds import Kind

_EVENTS: Final = """
SELECT u.user_key, e.kind, e.name, e.message_id, e.occurred_at, e.known_at, e.record, e.payload, u.excluded, o.user_key
FROM events e JOIN users u ON u.user_no = e.user_no LEFT JOIN users o ON o.user_no = e.linked_no
WHERE e.known_at >= ? AND e.known_at < ? ORDER BY e.known_at, e.seq
"""


def logged(connection: sqlite3.Connection, first: int, end: int) -> Iterator[tuple[Event, int]]:
    """Yield the events that became known from `first` to before `end`, each with that moment; in microseconds.

    Whom an event revealed to be the same person is told again; who is a bot, staff or a test user is so from the start.
    """
    for key, kind, name, message_id, occurred_at, known_at, record, payload, excluded, other in connection.execute(
        _EVENTS, (first, end)
    ):
        told = json.loads(payload)
        user_id, anonymous_id = ids_behind(key)
        linked = other.removeprefix(ANONYMOUS_PREFIX) if other else None
        yield (
            Event(
                kind=Kind(kind),
                name=name,
                message_id=message_id,
                user_id=user_id,
                anonymous_id=anonymous_id or _visitor(kind, linked),
                previous_id=linked if kind == Kind.LINKED else None,
                occurred_at=occurred_at,
                record=record,
                timezone=told.get("context", {}).get("timezone"),
                excluded=excluded,
                payload_json=payload,
                payload=told,
            ),
            known_at,
        )


def _visitor(kind: int, linked: str | None) -> str | None:
    return linked if kind == Kind.IDENTIFIED else None
