"""When each user last ordered, found by going back along the chain of their events."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection

from features.kinds import Kind
from serving.driver import driver

# A chain goes on into the past of whoever was linked only as far as their own events do, so every id has its own.
_LAST: Final = """
WITH RECURSIVE chain (user_no, seq) AS (
    SELECT u.user_no, u.last_seq FROM users u WHERE u.user_no IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT u.merged_into, u.last_seq FROM users u WHERE u.merged_into IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT chain.user_no, e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq WHERE e.known_at > ?2
)
SELECT chain.user_no, max(e.occurred_at) FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.kind = ?3 AND e.occurred_at > ?2 GROUP BY chain.user_no
"""


def last(connection: Connection, user_nos: Iterable[int], *, after: int) -> Mapping[int, int]:
    """Return when each of these users last ordered, in microseconds, if they did after a moment."""
    asked = (json.dumps(list(user_nos)), after, int(Kind.ORDER_COMPLETED))
    return dict(driver(connection).execute(_LAST, asked).fetchall())
