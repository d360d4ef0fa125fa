"""When messages of a person went out, or are about to: caps ask, where that was later than they were decided on."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.departure import Departed
from serving.clock import wall
from serving.driver import driver

_DEPARTED: Final = """
WITH ids AS (
    SELECT value AS of, value AS user_no FROM json_each(?1)
    UNION ALL
    SELECT u.merged_into, u.user_no FROM json_each(?1) p JOIN users u ON u.merged_into = p.value
)
SELECT ids.of, o.message_id, o.due_at, o.delivered_at, o.channel, o.trigger
FROM ids CROSS JOIN outbox o ON o.user_no = ids.user_no AND o.status = 'delivered'
WHERE o.delivered_at > ?2 AND o.trigger NOT IN (SELECT value FROM json_each(?4))
UNION ALL
SELECT ids.of, o.message_id, o.due_at, NULL, o.channel, o.trigger
FROM ids CROSS JOIN outbox o ON o.user_no = ids.user_no AND o.status = 'pending'
WHERE o.lease_until > ?3 AND o.trigger NOT IN (SELECT value FROM json_each(?4))
"""


class Going(NamedTuple):
    """A message of a person: when it was decided on, when it went out (µs; None while it is on its way), and how."""

    message_id: str
    decided_at: int
    departed_at: int | None
    channel: str
    trigger: str


def going(
    connection: Connection, user_nos: Iterable[int], *, after: int, but_for: Iterable[str]
) -> Mapping[int, Sequence[Going]]:
    """Return by person what went out to them after a moment (µs), under whatever id, and what is on its way.

    But for messages of the triggers that are named: caps do not count those.
    """
    found: dict[int, list[Going]] = defaultdict(list)
    asked = json.dumps(sorted(user_nos)), after, wall(), json.dumps(list(but_for))
    rows = driver(connection).execute(_DEPARTED, asked).fetchall()
    for number, *message in rows:
        found[number].append(Going(*message))
    return found


def beside(
    message_id: str, decided_at: int, others: Sequence[Going], *, claimed: frozenset[str], at: int
) -> tuple[Departed, ...]:
    """Return what counts for the caps of a message by when it departs.

    Of several that are claimed at once, whatever was decided on earlier goes first.

    Args:
        message_id: Which message.
        decided_at: When it was decided on, in microseconds.
        others: What goes out to its person, itself included.
        claimed: The ids of all that are claimed in this instant.
        at: The instant, in microseconds.
    """
    return tuple(
        Departed(each.decided_at, at if each.departed_at is None else each.departed_at, each.channel, each.trigger)
        for each in others
        if each.message_id != message_id
        and (each.message_id not in claimed or (each.decided_at, each.message_id) < (decided_at, message_id))
    )
