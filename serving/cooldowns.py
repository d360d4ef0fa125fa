"""When each trigger last fired for each user: read before deciding, written with the decision."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from serving.driver import driver

_READ: Final = "SELECT user_no, trigger, fired_at FROM cooldowns WHERE user_no IN (SELECT value FROM json_each(?))"
_WRITE: Final = """
INSERT INTO cooldowns (user_no, trigger, fired_at) VALUES (?, ?, ?)
ON CONFLICT (user_no, trigger) DO UPDATE SET fired_at = excluded.fired_at WHERE excluded.fired_at > cooldowns.fired_at
"""


def last_fired(connection: Connection, user_nos: Sequence[int]) -> Mapping[int, dict[str, int]]:
    """Return for each user `Trigger.cool_down_key` -> moment of the last firing in microseconds."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for user_no, trigger, fired_at in driver(connection).execute(_READ, (json.dumps(list(user_nos)),)).fetchall():
        found[user_no][trigger] = fired_at
    return found


def remember(connection: Connection, fired: Iterable[tuple[int, str, int]]) -> None:
    """Write firings, sent or withheld: (user_no, `Trigger.cool_down_key`, microseconds); the latest one stays."""
    rows = list(fired)
    if rows:
        driver(connection).executemany(_WRITE, rows)
