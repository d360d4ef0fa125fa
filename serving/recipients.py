"""Where a person is reached on a channel."""

from typing import Final

from sqlalchemy import Connection

from serving import profiles
from serving.driver import driver

REACHED: Final = frozenset({"email", "sms", "push"})
"""The channels on which a message needs somewhere to go; a webhook's receiver knows it."""
PUSH_FIELD: Final = "push_token"
# The newest first, but what stands in the way of one may not stand in the way of another; guards have the last word.
_ADDRESSES: Final = """
SELECT a.address FROM addresses a WHERE a.user_no = ? AND (instr(a.address, '@') > 0) = ?
ORDER BY EXISTS (
    SELECT 1 FROM suppressions s WHERE s.kind = 'address' AND s.subject = a.address AND s.channel IN (?, '*')
), a.rowid DESC LIMIT 1
"""


def address_of(connection: Connection, user_no: int, channel: str) -> str | None:
    """Return the address, number or token of somebody on a channel; None where none is known."""
    if channel in ("email", "sms"):
        row = driver(connection).execute(_ADDRESSES, (user_no, channel == "email", channel)).fetchone()
        return None if row is None else str(row[0])
    if channel == "push":
        token = profiles.known(profiles.read(driver(connection), user_no)).get(PUSH_FIELD)
        return token if isinstance(token, str) and token else None
    return None
