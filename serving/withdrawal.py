"""Taking back what is pending: a message that must not be sent any more is withdrawn, and says why."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from policy.departure import Objection
from policy.guards import BOUNCED, EVERY_CHANNEL, UNSUBSCRIBED
from policy.reasons import Reason
from serving import suppressions
from serving.driver import driver
from serving.findings import pack
from serving.suppressions import ADDRESS, Suppression

_WITHDRAW: Final = """
UPDATE outbox SET status = 'withdrawn', lease_until = 0, last_error = ?, findings = ?
WHERE message_id = ? AND status = 'pending'
"""
# What a webhook's receiver sends is not known, so it is covered by any channel. Transactional ones are drawn no arm.
_SUPPRESS: Final = """
UPDATE outbox SET status = 'withdrawn', lease_until = 0, last_error = :error,
    findings = json_array(json_array('suppression', channel, 'suppressed', :why))
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


def withdraw(connection: Connection, objections: Mapping[str, Objection]) -> int:
    """Withdraw messages, by id, that still wait; return how many were asked for."""
    rows = [(said(each.reason), pack(each.findings), message_id) for message_id, each in objections.items()]
    driver(connection).executemany(_WITHDRAW, rows)
    return len(objections)


def suppress(connection: Connection, entries: Sequence[Suppression]) -> None:
    """Add entries to the list, and let go of the pending messages that they forbid.

    What a bounce forbids depends on which other addresses there are: the guards say it, to whom the event is about in
    the same transaction, to everybody in the instant of dispatch.
    """
    suppressions.add(connection, entries)
    for each in (entry for entry in entries if entry.reason != BOUNCED):
        statement = _OF_ADDRESS if each.kind == ADDRESS else _OF_USER
        asked = {
            "why": each.reason,
            "error": f"{Reason.SUPPRESSED.value}: {each.reason}",
            "subject": each.subject,
            "channel": each.channel,
            "all_classes": each.reason != UNSUBSCRIBED,
        }
        connection.exec_driver_sql(statement, asked)
