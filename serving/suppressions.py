"""Who must not be written to, by user and by address: what came back, who complained, who unsubscribed, who was named.

An address that is suppressed is so for everybody who has it, so that a second id of the same person gets nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.guards import BOUNCED, UNSUBSCRIBED
from serving.driver import driver, listed

USER: Final = "user"
ADDRESS: Final = "address"

# Every address of these people, with what stands against it, and what stands against one of their ids. The people come
# first in each join: else SQLite walks through all that is suppressed.
_READ: Final = """
SELECT a.user_no, a.address, s.channel, s.reason
FROM json_each(?1) p CROSS JOIN addresses a ON a.user_no = CAST(p.key AS INTEGER)
LEFT JOIN suppressions s ON s.kind = 'address' AND s.subject = a.address
UNION ALL
SELECT CAST(p.key AS INTEGER), NULL, s.channel, s.reason
FROM json_each(?1) p CROSS JOIN suppressions s ON s.kind = 'user' AND s.subject = p.value
UNION ALL
SELECT u.merged_into, NULL, s.channel, s.reason
FROM json_each(?1) p CROSS JOIN users u ON u.merged_into = CAST(p.key AS INTEGER)
CROSS JOIN suppressions s ON s.kind = 'user' AND s.subject = u.user_key
"""
_OF_ADDRESSES: Final = """
SELECT subject, channel, reason FROM suppressions
WHERE kind = 'address' AND subject IN (SELECT value FROM json_each(?))
"""
# Who complained stays a complainer, though they unsubscribe or bounce afterwards, and becomes one whatever was before.
_ADD: Final = f"""
INSERT INTO suppressions (kind, subject, channel, reason, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, subject, channel) DO UPDATE SET reason = excluded.reason, at = excluded.at
WHERE suppressions.reason = '{UNSUBSCRIBED}'
OR (suppressions.reason = '{BOUNCED}' AND excluded.reason NOT IN ('{BOUNCED}', '{UNSUBSCRIBED}'))
"""
_ONE: Final = "SELECT kind, subject, channel, reason, at FROM suppressions WHERE (kind, subject, channel) = (?, ?, ?)"
_REMOVE: Final = "DELETE FROM suppressions WHERE kind = ? AND subject = ? AND channel = ?"
_PAGE: Final = """
SELECT kind, subject, channel, reason, at FROM suppressions
WHERE (kind, subject, channel) > (?, ?, ?) ORDER BY kind, subject, channel LIMIT ?
"""
_OWN: Final = "INSERT INTO addresses (user_no, address) VALUES (?, ?) ON CONFLICT (user_no, address) DO NOTHING"


class Suppression(NamedTuple):
    """One entry: a user's key or an address, the channel or `*` for all, why, and since when in microseconds."""

    kind: str
    subject: str
    channel: str
    reason: str
    at: int


class Found(NamedTuple):
    """An address of a user or None for the user themselves, and what stands against it, if anything."""

    user_no: int
    address: str | None
    channel: str | None
    reason: str | None


def found_for(connection: Connection, keys: Mapping[int, str]) -> list[Found]:
    """Return the addresses of these users (number -> key), and what stands against these and against the users' ids.

    A user may be suppressed before anybody saw them, so the log need not know them yet.
    """
    rows = driver(connection).execute(_READ, (listed(keys),)).fetchall()
    return [Found(*row) for row in rows]


def of_addresses(connection: Connection, addresses: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (address, channel, reason) of those of these addresses that are suppressed."""
    rows = driver(connection).execute(_OF_ADDRESSES, (listed(addresses),)).fetchall() if addresses else []
    return [(subject, channel, reason) for subject, channel, reason in rows]


def own(connection: Connection, addresses: Iterable[tuple[int, str]]) -> None:
    """Remember whose addresses these are, by user number."""
    driver(connection).executemany(_OWN, addresses)


def add(connection: Connection, suppressions: Iterable[Suppression]) -> None:
    """Add entries; one that is there stays, unless it says less: that they unsubscribed, or that an address bounced."""
    driver(connection).executemany(_ADD, suppressions)


def one(connection: Connection, kind: str, subject: str, channel: str) -> Suppression:
    """Return an entry that is on the list."""
    [found] = driver(connection).execute(_ONE, (kind, subject, channel)).fetchall()
    return Suppression(*found)


def remove(connection: Connection, kind: str, subject: str, channel: str) -> bool:
    """Take an entry away; return whether it was there."""
    return driver(connection).execute(_REMOVE, (kind, subject, channel)).rowcount > 0


def page(connection: Connection, *, after: tuple[str, str, str], limit: int) -> list[Suppression]:
    """Return the entries that follow (kind, subject, channel) in this order."""
    return [Suppression(*row) for row in driver(connection).execute(_PAGE, (*after, limit)).fetchall()]
