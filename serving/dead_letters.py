"""Dead letters: messages that were given up, to be looked at, and tried anew once what was wrong is mended."""

from typing import Any, Final

from sqlalchemy import Connection, Row, text

from features.moments import to_moment
from serving.contract_delivery import DeadLetter, DeadLettersAnswer
from serving.cursors import cursor, read_cursor
from serving.outbox import holds

_DEAD: Final = text(
    "SELECT o.message_id, o.trigger_decision_id, o.trigger, o.channel, o.endpoint, o.attempts, o.created_at,"
    " o.last_error, u.user_key FROM outbox o LEFT JOIN users u ON u.user_no = o.user_no"
    " WHERE o.status = 'dead' AND (:endpoint IS NULL OR o.endpoint = :endpoint)"
    " AND (o.created_at < :at OR (o.created_at = :at AND o.message_id < :message_id))"
    " ORDER BY o.created_at DESC, o.message_id DESC LIMIT :most"
)
# Whoever has it tried anew knows how old it is: it does not expire again, but its guards are asked as ever.
_REDRIVE: Final = (
    "UPDATE outbox SET status = 'pending', next_attempt_at = :at, attempts_before = attempts, lease_until = 0,"
    " expires_at = NULL, last_error = NULL WHERE status = 'dead' AND "
)
_ONE: Final = text(_REDRIVE + "message_id = :message_id")
_ALL: Final = text(_REDRIVE + "endpoint = :endpoint")


def dead_letters(connection: Connection, *, endpoint: str | None, limit: int, before: str | None) -> DeadLettersAnswer:
    """Return one page of dead letters, newest first.

    Args:
        connection: Of the database.
        endpoint: Those for this endpoint only; None for all.
        limit: Most to return.
        before: The `next` of the page before; None for the first page.

    Raises:
        InvalidField: `before` is none that was given out.
    """
    at, message_id = read_cursor(before)
    asked = {"endpoint": endpoint, "at": at, "message_id": message_id, "most": limit + 1}
    rows = connection.execute(_DEAD, asked).all()
    page = rows[:limit]
    return DeadLettersAnswer(
        messages=[_letter(row) for row in page],
        next=cursor(page[-1].created_at, page[-1].message_id) if len(rows) > limit else None,
    )


def redrive(connection: Connection, message_id: str, *, at: int) -> int | None:
    """Let a dead letter be tried anew from `at` (µs) on; return 1, 0 if it is not dead, None if nobody knows it."""
    found = connection.execute(_ONE, {"message_id": message_id, "at": at}).rowcount
    return found if found or holds(connection, message_id) else None


def redrive_all(connection: Connection, endpoint: str, *, at: int) -> int:
    """Let all dead letters for an endpoint be tried anew; return how many."""
    return connection.execute(_ALL, {"endpoint": endpoint, "at": at}).rowcount


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        message_id=row.message_id,
        decision_id=row.trigger_decision_id,
        user_id=row.user_key,
        trigger=row.trigger,
        channel=row.channel,
        endpoint=row.endpoint,
        attempts=row.attempts,
        enqueued_at=to_moment(row.created_at),
        error=row.last_error,
    )
