"""When each trigger last fired for each user: read before deciding, written with the decision."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from policy.triggers import cooling
from serving.driver import driver, listed

_READ: Final = """
SELECT user_no, trigger, key, fired_at FROM cooldowns
WHERE user_no IN (SELECT value FROM json_each(?)) AND key IN (SELECT value FROM json_each(?))
"""
_WRITE: Final = """
INSERT INTO cooldowns (user_no, trigger, key, fired_at) VALUES (?, ?, ?, ?)
ON CONFLICT (user_no, key, trigger) DO UPDATE SET fired_at = excluded.fired_at
WHERE excluded.fired_at > cooldowns.fired_at
"""


def last_fired(
    connection: Connection, user_nos: Sequence[int], keys: Iterable[str] = ()
) -> Mapping[int, dict[str, int]]:
    """Return for each user `Trigger.cools` -> moment of the last firing in microseconds, of these keys and of none."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    asked = (listed(list(user_nos)), listed(["", *keys]))
    for user_no, trigger, key, fired_at in driver(connection).execute(_READ, asked).fetchall():
        found[user_no][cooling(trigger, key)] = fired_at
    return found


def remember(connection: Connection, fired: Sequence[tuple[int, str, int]]) -> None:
    """Write firings, sent or withheld: (user_no, `Trigger.cools`, microseconds); the latest one stays."""
    if fired:
        rows = [(user_no, *_parts(name), at) for user_no, name, at in fired]
        driver(connection).executemany(_WRITE, rows)


def _parts(name: str) -> tuple[str, str]:
    """Return trigger and key; no trigger has a slash in its name."""
    trigger, _, key = name.partition("/")
    return trigger, key
