"""What was sent to each user lately, or withheld for comparison, which counts the same: what frequency caps count."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from policy.caps import Sent
from serving.driver import driver, listed

_READ: Final = """
SELECT user_no, at, channel, trigger FROM sends WHERE user_no IN (SELECT value FROM json_each(?)) AND at > ?
"""
_WRITE: Final = "INSERT INTO sends (user_no, at, channel, trigger) VALUES (?, ?, ?, ?)"
_FOLLOW: Final = "UPDATE sends SET user_no = ? WHERE user_no = ?"


def lately(connection: Connection, user_nos: Iterable[int], *, after: int) -> Mapping[int, list[Sent]]:
    """Return what was sent to each of these users after a moment in microseconds."""
    found: dict[int, list[Sent]] = defaultdict(list)
    for user_no, *sent in driver(connection).execute(_READ, (listed(list(user_nos)), after)).fetchall():
        found[user_no].append(Sent(*sent))
    return found


def remember(connection: Connection, sends: Sequence[tuple[int, Sent]]) -> None:
    """Write what was sent, by user number."""
    if sends:
        rows = [(user_no, *sent) for user_no, sent in sends]
        driver(connection).executemany(_WRITE, rows)


def follow(connection: Connection, links: Iterable[tuple[int, int]]) -> None:
    """Let what was sent to the second of each two users count as sent to the first."""
    driver(connection).executemany(_FOLLOW, links)
