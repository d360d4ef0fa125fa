"""Clicks that no person makes: sooner after the delivery than anybody reads, or on several links of a message at once.

Mail gateways follow the links of what they let through. Whoever sees one click alone cannot tell, so what was told
before, and in the same request, is looked at too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from features.kinds import Kind
from serving.driver import driver

if TYPE_CHECKING:
    from sqlalchemy import Connection

TOO_FAST_US: Final = 10_000_000
"""From the delivery, or from handing the message over, to a click that a person can have made."""
AT_ONCE_US: Final = 2_000_000
"""Between clicks on two links of one message."""

# Along the chain the moments of arrival only grow, and nothing happened after it arrived.
_LATELY: Final = """
WITH RECURSIVE chain (prev_seq, kind, occurred_at, payload) AS (
    SELECT e.prev_seq, e.kind, e.occurred_at, e.payload
    FROM users u JOIN events e ON e.seq = u.last_seq WHERE u.user_key = ?1 AND e.known_at > ?2
    UNION ALL
    SELECT e.prev_seq, e.kind, e.occurred_at, e.payload
    FROM chain JOIN events e ON e.seq = chain.prev_seq WHERE e.known_at > ?2
)
SELECT kind, occurred_at, json_extract(payload, '$.properties.url') FROM chain
WHERE kind IN (?3, ?4) AND json_extract(payload, '$.properties.decision_id') = ?5
"""
# A replay hands over in no time on the clock of the events, and only that one can be compared with what it is told.
_HANDED_OVER: Final = """
SELECT CASE WHEN ? THEN due_at ELSE delivered_at END FROM outbox
WHERE trigger_decision_id = ? AND delivered_at IS NOT NULL AND channel = 'email'
"""


class Click(NamedTuple):
    """A click on a link of a message, in microseconds."""

    at: int
    url: object


def is_scanned(click: Click, *, clicks: Iterable[Click], delivered_at: Iterable[int]) -> bool:
    """Whether a machine made a click.

    Args:
        click: The click.
        clicks: Those on the same message, itself among them or not.
        delivered_at: When the message was delivered, or handed over, in microseconds, as far as anybody said.
    """
    if any(click.at - each < TOO_FAST_US for each in delivered_at):
        return True
    return any(abs(each.at - click.at) <= AT_ONCE_US and each.url != click.url for each in clicks)


def told_before(
    connection: Connection, key: str, decision_id: str, *, first: int, last: int, replay: bool = False
) -> tuple[list[Click], list[int]]:
    """Return the clicks on a message, and its deliveries, that the log has from before `first` to `last` (µs).

    In a `replay` a message was handed over when it was due, on the clock of the events.
    """
    earliest = first - TOO_FAST_US
    asked = (key, earliest, int(Kind.EMAIL_DELIVERED), int(Kind.EMAIL_CLICKED), decision_id)
    rows = driver(connection).execute(_LATELY, asked).fetchall()
    handed = driver(connection).execute(_HANDED_OVER, (replay, decision_id)).fetchall()
    clicks = [Click(at, url) for kind, at, url in rows if kind == Kind.EMAIL_CLICKED and at <= last + AT_ONCE_US]
    return clicks, [at for kind, at, _ in rows if kind == Kind.EMAIL_DELIVERED] + [at for (at,) in handed]
