"""Taking back what is pending: a message that must not be sent any more is withdrawn, and says why."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from policy.guards import EVERY_CHANNEL, UNSUBSCRIBED
from policy.reasons import Reason
from serving import suppressions
from serving.driver import driver
from serving.suppressions import ADDRESS, Suppression

_WITHDRAW: Final = """
UPDATE outbox SET status = 'withdrawn', lease_until = 0, last_error = ? WHERE message_id = ? AND status = 'pending'
"""
# What a webhook's receiver sends is not known, so it is covered by any channel. Transactional ones are drawn no arm.
_SUPPRESS: Final = """
UPDATE outbox SET status = 'withdrawn', lease_until = 0, last_error = :error
WHERE status = 'pending' AND trigger IS NOT NULL AND user_no IN (
    SELECT coalesce(u.merged_into, u.user_no) FROM users u WHERE {of}
    UNION ALL
    SELECT m.user_no FROM users u JOIN users m ON m.merged_into = coalesce(u.merged_into, u.user_no) WHERE {of}
) AND (:channel = '{every}' OR channel IN ('webhook', :channel)) AND (:all_classes OR EXISTS (
    SELECT 1 FROM decisions d WHERE d.trigger_decision_id = outbox.trigger_decision_id AND d.arm IS NOT NULL
))
"""
_OF_USER: Final = _SUPPRESS.format(of="u.user_key = :subject", every=EVERY_CHANNEL)
_OF_ADDRESS: Final = _SUPPRESS.format(
    of="u.user_no IN (SELECT user_no FROM addresses WHERE address = :subject)", every=EVERY_CHANNEL
)


def said(reason: Reason) -> str:
    """Return what a message that was taken back, or put off, says for a reason."""
    return f"{reason.value}: {reason.sentence}"


def withdraw(connection: Connection, reasons: Mapping[str, Reason]) -> int:
    """Withdraw messages, by id, that still wait; return how many were asked for."""
    driver(connection).executemany(_WITHDRAW, [(said(reason), each) for each, reason in reasons.items()])
    return len(reasons)


def suppress(connection: Connection, entries: Sequence[Suppression]) -> None:
    """Add entries to the list, and let go of the pending messages that they forbid."""
    suppressions.add(connection, entries)
    for each in entries:
        statement = _OF_ADDRESS if each.kind == ADDRESS else _OF_USER
        asked = {
            "error": f"{Reason.SUPPRESSED.value}: {each.reason}",
            "subject": each.subject,
            "channel": each.channel,
            "all_classes": each.reason != UNSUBSCRIBED,
        }
        connection.exec_driver_sql(statement, asked)
