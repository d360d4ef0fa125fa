"""When each user last ordered, found by going back along the chain of their events."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection

from features.kinds import Kind
from serving.chains import BACK
from serving.driver import driver, listed

_LAST: Final = f"""
{BACK}
SELECT chain.user_no, max(e.occurred_at) FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.kind = ?3 AND e.occurred_at > ?2 GROUP BY chain.user_no
"""


def last(connection: Connection, user_nos: Iterable[int], *, after: int) -> Mapping[int, int]:
    """Return when each of these users last ordered, in microseconds, if they did after a moment."""
    asked = (listed(list(user_nos)), after, int(Kind.ORDER_COMPLETED))
    return dict(driver(connection).execute(_LAST, asked).fetchall())
