"""Clicks that no person makes: too soon after the delivery, on several links at once, or after a link nobody sees.

Mail gateways follow the links of what they let through. Whoever sees one click alone cannot tell, so what was told
before, and in the same request, is looked at too. Those that take their time are told by a link that is hidden at the
beginning and at the end of a message (a trap): who follows it goes through all links, and each of them once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from features.kinds import Kind
from features.moments import HOUR_US, SECOND_US
from serving.driver import driver

if TYPE_CHECKING:
    from sqlalchemy import Connection

TOO_FAST_US: Final = 10 * SECOND_US
"""From the delivery, or from handing the message over, to a click that a person can have made."""
PICTURE: Final = "(picture)"
"""What stands for the address of the picture that tells of an opened message."""
AT_ONCE_US: Final = 2 * SECOND_US
"""Between clicks on two links of one message."""
PAUSE_US: Final = 300 * SECOND_US
"""Between one link and the next of a scanner that goes through them one by one; after a longer one it is done."""
LONGEST_RUN_US: Final = HOUR_US
"""How far back the beginning of that is looked for."""

# Along the chain the moments of arrival only grow, and nothing happened after it arrived.
_LATELY: Final = """
WITH RECURSIVE chain (prev_seq, kind, occurred_at, payload) AS (
    SELECT e.prev_seq, e.kind, e.occurred_at, e.payload
    FROM users u JOIN events e ON e.seq = u.last_seq WHERE u.user_key = ?1 AND e.known_at > ?2
    UNION ALL
    SELECT e.prev_seq, e.kind, e.occurred_at, e.payload
    FROM chain JOIN events e ON e.seq = chain.prev_seq WHERE e.known_at > ?2
)
SELECT kind, occurred_at, json_extract(payload, '$.properties.url'),
    coalesce(json_extract(payload, '$.properties.machine'), 0), json_extract(payload, '$.properties.trap')
FROM chain
WHERE kind IN (?3, ?4, ?5) AND json_extract(payload, '$.properties.decision_id') = ?6
"""
# A replay hands over in no time on the clock of the events, and only that one can be compared with what it is told.
_HANDED_OVER: Final = """
SELECT CASE WHEN ? THEN due_at ELSE delivered_at END FROM outbox
WHERE trigger_decision_id = ? AND delivered_at IS NOT NULL AND channel = 'email'
"""


class Click(NamedTuple):
    """A click on a link of a message, or a look at its picture.

    Attributes:
        at: When, in microseconds.
        url: Where the link leads; PICTURE for the picture.
        machine: Whether it is known that a machine did it.
        trap: Which of the hidden links it was on; None for one that people see.
    """

    at: int
    url: object
    machine: bool = False
    trap: str | None = None


def is_scanned(click: Click, *, clicks: Collection[Click], delivered_at: Iterable[int]) -> bool:
    """Whether a machine made a click.

    Args:
        click: The click.
        clicks: Those on the same message, itself among them or not.
        delivered_at: When the message was delivered, or handed over, in microseconds, as far as anybody said.
    """
    if any(click.at - each < TOO_FAST_US for each in delivered_at):
        return True
    others = (each for each in clicks if each.url not in (click.url, PICTURE))
    if any(abs(each.at - click.at) <= AT_ONCE_US for each in others):
        return True
    return is_next(click, clicks=clicks)


def is_next(click: Click, *, clicks: Iterable[Click]) -> bool:
    """Whether a click is that of a scanner which goes through a message link by link, as a hidden one gave away.

    Each time that it goes through all, it follows each link once: what is followed more often than that, a person
    follows beside it.

    Args:
        click: The click.
        clicks: Those on the same message.
    """
    run = _run(click.at, clicks)
    times = max(Counter(each.trap for each in run if each.trap).values(), default=0)
    return sum(each.url == click.url for each in run if not each.trap) < times


def _run(at: int, clicks: Iterable[Click]) -> list[Click]:
    """Return what machines followed until a moment (µs) without a pause in which they would have been done."""
    found: list[Click] = []
    for each in sorted((each for each in clicks if each.machine and each.at <= at), key=lambda each: -each.at):
        if at - each.at > PAUSE_US:
            break
        found.append(each)
        at = each.at
    return found


def told_before(
    connection: Connection, key: str, decision_id: str, *, first: int, last: int, replay: bool = False
) -> tuple[list[Click], list[int]]:
    """Return the clicks on a message and its picture, and its deliveries, that the log has for `first` to `last` (µs).

    In a `replay` a message was handed over when it was due, on the clock of the events.
    """
    kinds = (int(Kind.EMAIL_DELIVERED), int(Kind.EMAIL_OPENED), int(Kind.EMAIL_CLICKED))
    asked = (key, first - LONGEST_RUN_US, *kinds, decision_id)
    rows = driver(connection).execute(_LATELY, asked).fetchall()
    handed = driver(connection).execute(_HANDED_OVER, (replay, decision_id)).fetchall()
    clicks = [
        Click(at, PICTURE if kind == Kind.EMAIL_OPENED else url, bool(machine), trap)
        for kind, at, url, machine, trap in rows
        if kind != Kind.EMAIL_DELIVERED and at <= last + AT_ONCE_US
    ]
    return clicks, [at for kind, at, *_ in rows if kind == Kind.EMAIL_DELIVERED] + [at for (at,) in handed]
