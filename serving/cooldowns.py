"""When each trigger last fired for each user: read before deciding, written with the decision."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, select, text

from serving.schema import cooldowns

_READ: Final = select(cooldowns.c.user_no, cooldowns.c.trigger, cooldowns.c.fired_at).where(
    cooldowns.c.user_no.in_(bindparam("user_nos", expanding=True))
)
_LATER: Final = (
    " ON CONFLICT (user_no, trigger) DO UPDATE SET fired_at = excluded.fired_at"
    " WHERE excluded.fired_at > cooldowns.fired_at"
)
_WRITE: Final = text(
    "INSERT INTO cooldowns (user_no, trigger, fired_at) VALUES (:user_no, :trigger, :fired_at)" + _LATER
)


def last_fired(connection: Connection, user_nos: Sequence[int]) -> Mapping[int, dict[str, int]]:
    """Return for each user `Trigger.cool_down_key` -> moment of the last firing in microseconds."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for user_no, trigger, fired_at in connection.execute(_READ, {"user_nos": list(user_nos)}):
        found[user_no][trigger] = fired_at
    return found


def remember(connection: Connection, fired: Iterable[tuple[int, str, int]]) -> None:
    """Write firings, sent or withheld: (user_no, `Trigger.cool_down_key`, microseconds); the latest one stays."""
    rows = [{"user_no": user_no, "trigger": trigger, "fired_at": fired_at} for user_no, trigger, fired_at in fired]
    if rows:
        connection.execute(_WRITE, rows)
