"""Messages not yet delivered: written together with the decision, settled by what came back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, func, select, text

from serving.claims import Claim
from serving.message import Message
from serving.retry import Answer, Next, Status
from serving.schema import outbox

_ENQUEUE: Final = text(
    "INSERT INTO outbox (message_id, trigger_decision_id, endpoint, body, due_at, status, attempts,"
    " next_attempt_at, lease_until, created_at, expires_at, user_no, trigger, channel)"
    " VALUES (:message_id, :trigger_decision_id, :endpoint, :body, :due_at, 'pending', 0, :at, 0, :at, :expires_at,"
    " :user_no, :trigger, :channel)"
    " ON CONFLICT (message_id) DO NOTHING"
)
_RECORD: Final = text(
    "INSERT INTO deliveries (message_id, attempt, at, status_code, error, duration_us)"
    " SELECT :message_id, :attempt, :at, :status_code, :error, :duration_us"
    # Whose message was erased while it was on its way leaves no trace of it.
    " WHERE EXISTS (SELECT 1 FROM outbox WHERE message_id = :message_id)"
    " ON CONFLICT (message_id, attempt) DO NOTHING"
)
_DELIVERED: Final = text(
    "UPDATE outbox SET status = 'delivered', delivered_at = :at, lease_until = 0, last_error = NULL,"
    " provider_id = :provider_id WHERE message_id = :message_id AND status <> 'delivered'"
)
# Only the latest attempt may say what comes next; an earlier one whose lease ran out has lost its say.
_FAILED: Final = text(
    "UPDATE outbox SET status = :status, next_attempt_at = :next_attempt_at, lease_until = 0, last_error = :error"
    " WHERE message_id = :message_id AND attempts = :attempt AND status = 'pending'"
)
_RENEW: Final = text(
    "UPDATE outbox SET lease_until = :until, next_attempt_at = :until"
    " WHERE message_id = :message_id AND status = 'pending' AND lease_until > 0"
)
_BURY: Final = text(
    "UPDATE outbox SET status = 'dead', lease_until = 0, last_error = :error WHERE message_id IN"
    " (SELECT message_id FROM outbox WHERE status = 'pending' AND endpoint = :endpoint AND lease_until <= :at"
    " LIMIT :at_most) RETURNING message_id"
)
_ROUTE: Final = text(
    "UPDATE outbox SET endpoint = :endpoint WHERE status = 'pending' AND endpoint = 'default' AND channel = :channel"
)
_HOLDS: Final = text("SELECT 1 FROM outbox WHERE message_id = :message_id")
_NEXT: Final = select(func.min(outbox.c.next_attempt_at)).where(
    outbox.c.status == Status.PENDING.value, outbox.c.endpoint.in_(bindparam("of_endpoints", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is over: when it began and how long it took (microseconds), what came back, what follows."""

    claim: Claim
    at: int
    duration_us: int
    answer: Answer
    follows: Next

    @property
    def since_enqueued_us(self) -> int:
        """How long after the message was enqueued the answer was there."""
        return self.at + self.duration_us - self.claim.enqueued_at


def enqueue(connection: Connection, messages: Sequence[Message], *, at: int) -> None:
    """Put messages in the outbox, in the caller's transaction; one that is there already stays as it is.

    Args:
        connection: The one that writes the decisions: both are committed, or neither.
        messages: What to send.
        at: The wall clock's moment from which on they may be attempted, in microseconds.
    """
    if messages:
        connection.execute(
            _ENQUEUE,
            [
                {
                    "message_id": each.message_id,
                    "trigger_decision_id": each.trigger_decision_id,
                    "endpoint": each.endpoint,
                    "body": each.body,
                    "due_at": each.due_at,
                    "at": at,
                    "expires_at": None if each.lifetime_us is None else at + each.lifetime_us,
                    "user_no": each.user_no,
                    "trigger": each.trigger,
                    "channel": each.channel,
                }
                for each in messages
            ],
        )


def settle(connection: Connection, attempts: Iterable[Attempt]) -> None:
    """Write down finished attempts and what follows from them."""
    written = list(attempts)
    for statement, rows in (
        (_RECORD, [_delivery(each) for each in written]),
        (_DELIVERED, [_success(each) for each in written if each.follows.status is Status.DELIVERED]),
        (_FAILED, [_failure(each) for each in written if each.follows.status is not Status.DELIVERED]),
    ):
        if rows:
            connection.execute(statement, rows)


def _delivery(attempt: Attempt) -> dict[str, object]:
    return {
        "message_id": attempt.claim.message_id,
        "attempt": attempt.claim.attempt,
        "at": attempt.at,
        "status_code": attempt.answer.status_code,
        "error": attempt.answer.error,
        "duration_us": attempt.duration_us,
    }


def _success(attempt: Attempt) -> dict[str, object]:
    return {
        "message_id": attempt.claim.message_id,
        "at": attempt.at + attempt.duration_us,
        "provider_id": attempt.answer.provider_id,
    }


def _failure(attempt: Attempt) -> dict[str, object]:
    return {
        "message_id": attempt.claim.message_id,
        "attempt": attempt.claim.attempt,
        "status": attempt.follows.status.value,
        "next_attempt_at": attempt.follows.next_attempt_at,
        "error": attempt.answer.error,
    }


def renew(connection: Connection, message_ids: Iterable[str], *, until: int) -> None:
    """Keep messages that were claimed and not settled since from being claimed again before a moment (µs)."""
    connection.execute(_RENEW, [{"message_id": each, "until": until} for each in message_ids])


def bury(connection: Connection, endpoint: str, *, error: str, at: int, at_most: int) -> Sequence[str]:
    """Declare some of what waits for an endpoint dead; return the ids. What is on its way `at` (µs) is answered yet."""
    asked = {"endpoint": endpoint, "error": error, "at": at, "at_most": at_most}
    return connection.execute(_BURY, asked).scalars().all()


def route(connection: Connection, endpoints: Mapping[str, str]) -> None:
    """Let what waits for the endpoint `default` go to that of its channel, where there is one; `endpoints` by it."""
    if endpoints:
        asked = [{"channel": channel, "endpoint": endpoint} for channel, endpoint in endpoints.items()]
        connection.execute(_ROUTE, asked)


def next_due(connection: Connection, endpoints: Sequence[str]) -> int | None:
    """Return the earliest moment at which a message of these endpoints is to be attempted, or None."""
    moment: int | None = connection.execute(_NEXT, {"of_endpoints": list(endpoints)}).scalar() if endpoints else None
    return moment


def holds(connection: Connection, message_id: str) -> bool:
    """Whether a message is still there: whose person was erased is not."""
    return connection.execute(_HOLDS, {"message_id": message_id}).first() is not None


def waiting_for(connection: Connection) -> set[str]:
    """Return the names of all endpoints that messages are waiting for."""
    rows = connection.execute(select(outbox.c.endpoint).where(outbox.c.status == Status.PENDING.value).distinct())
    return set(rows.scalars())
