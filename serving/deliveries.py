"""What became of the messages of decisions, in words: read from the outbox."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from features.moments import to_moment
from policy.answers import Answer, of_findings
from policy.findings_in_words import all_in_words
from policy.reasons import Reason
from serving.contract_reads import GuardAsked, MessageExplained
from serving.findings import unpack
from serving.retry import Status

_MESSAGES: Final = text(
    "SELECT o.trigger_decision_id, o.message_id, o.channel, o.endpoint, o.status, o.attempts, o.next_attempt_at,"
    " o.lease_until, o.delivered_at, o.last_error, o.findings FROM json_each(:decisions) d"
    " JOIN outbox o ON o.trigger_decision_id = d.value ORDER BY o.created_at, o.channel, o.message_id"
)
_REASONS: Final = frozenset(each.value for each in Reason)


def messages_of(connection: Connection, trigger_decision_ids: Sequence[str]) -> Mapping[str, list[MessageExplained]]:
    """Return what became of the messages of these decisions, by decision; one of several channels has several."""
    found: dict[str, list[MessageExplained]] = defaultdict(list)
    for row in connection.execute(_MESSAGES, {"decisions": json.dumps(list(trigger_decision_ids))}):
        reason, words = _reason(row.last_error)
        waits = row.status == Status.PENDING.value and not row.lease_until
        found[row.trigger_decision_id].append(
            MessageExplained(
                message_id=row.message_id,
                channel=row.channel,
                endpoint=row.endpoint,
                status=row.status,
                reason=reason,
                in_words=_in_words(row, reason, words),
                guards=explained(of_findings(unpack(row.findings))),
                attempts=row.attempts,
                next_attempt_at=to_moment(row.next_attempt_at) if waits else None,
                delivered_at=None if row.delivered_at is None else to_moment(row.delivered_at),
            )
        )
    return found


def explained(asked: Iterable[Answer]) -> list[GuardAsked]:
    """Return what guards said as the API tells it."""
    return [
        GuardAsked(
            guard=each.guard,
            channel=each.channel,
            verdict="objected" if each.objection else "passed",
            reason=None if each.objection is None else each.objection.value,
            in_words=each.in_words,
        )
        for each in asked
    ]


def _reason(error: str | None) -> tuple[str | None, str]:
    """Split what the outbox says of a message into the word of a reason, if it begins with one, and the rest."""
    word, colon, rest = (error or "").partition(": ")
    return (word, rest) if colon and word in _REASONS else (None, error or "")


def _in_words(row: Row[Any], reason: str | None, words: str) -> str:
    tried = f"{row.attempts} attempt{'' if row.attempts == 1 else 's'}"
    match row.status:
        case Status.DELIVERED.value:
            return f"The message was delivered, with {tried}."
        case Status.WITHDRAWN.value:
            return f"The message was withdrawn after {tried}: {_ended(words)}{_guards(row)}"
        case Status.DEAD.value:
            return f"The message was given up after {tried}: {_ended(words)}"
    if reason is not None:
        return f"The message was put off: {_ended(words)}{_guards(row)}"
    if row.lease_until:
        return f"The message is on its way, attempt {row.attempts}."
    if row.attempts:
        return f"The message will be tried again after {tried}: {_ended(words)}"
    return "The message waits to be sent."


def _guards(row: Row[Any]) -> str:
    said = all_in_words(unpack(row.findings))
    return f" {said}" if said else ""


def _ended(words: str) -> str:
    return words if words.endswith(".") else f"{words}."
