"""Suppression that also stops what is pending: a message not yet delivered to somebody who must not get it is dead."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from policy.guards import UNSUBSCRIBED
from serving import suppressions
from serving.driver import driver
from serving.suppressions import ADDRESS, Suppression

# All messages go out by webhook as yet, which any channel's suppression covers. Transactional ones are drawn no arm.
_WITHDRAW: Final = """
UPDATE outbox SET status = 'dead', lease_until = 0, last_error = ?
WHERE status = 'pending' AND trigger_decision_id IN (
    SELECT d.trigger_decision_id FROM decisions d
    WHERE d.action <> 'hold' AND d.user_no IN (
        SELECT coalesce(u.merged_into, u.user_no) FROM users u WHERE {of}
        UNION ALL
        SELECT m.user_no FROM users u JOIN users m ON m.merged_into = coalesce(u.merged_into, u.user_no) WHERE {of}
    ) AND (d.arm IS NOT NULL OR ?)
)
"""
_OF_USER: Final = _WITHDRAW.format(of="u.user_key = ?")
_OF_ADDRESS: Final = _WITHDRAW.format(of="u.user_no IN (SELECT user_no FROM addresses WHERE address = ?)")


def suppress(connection: Connection, entries: Sequence[Suppression]) -> None:
    """Add entries to the list, and let go of the pending messages that they forbid."""
    suppressions.add(connection, entries)
    for each in entries:
        statement = _OF_ADDRESS if each.kind == ADDRESS else _OF_USER
        error = f"suppressed: {each.reason}"
        driver(connection).execute(statement, (error, each.subject, each.subject, each.reason != UNSUBSCRIBED))
