"""Messages not yet delivered: written together with the decision, claimed under a lease, settled by what came back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, select, text, update

from policy.reasons import Reason
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
_DUE: Final = (
    select(outbox.c.message_id)
    .where(
        outbox.c.status == Status.PENDING.value,
        outbox.c.endpoint == bindparam("of_endpoint"),
        outbox.c.next_attempt_at <= bindparam("now"),
    )
    .order_by(outbox.c.next_attempt_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
# A claimed message is due again when its lease is over: a dispatcher that died needs no other repair.
_CLAIM: Final = (
    update(outbox)
    .where(outbox.c.message_id.in_(_DUE.scalar_subquery()))
    .values(
        attempts=outbox.c.attempts + 1,
        lease_until=bindparam("until"),
        next_attempt_at=bindparam("until"),
    )
    .returning(
        outbox.c.message_id,
        outbox.c.endpoint,
        outbox.c.body,
        outbox.c.attempts,
        outbox.c.created_at,
        outbox.c.expires_at,
    )
)
_RECORD: Final = text(
    "INSERT INTO deliveries (message_id, attempt, at, status_code, error, duration_us)"
    " SELECT :message_id, :attempt, :at, :status_code, :error, :duration_us"
    # Whose message was erased while it was on its way leaves no trace of it.
    " WHERE EXISTS (SELECT 1 FROM outbox WHERE message_id = :message_id)"
    " ON CONFLICT (message_id, attempt) DO NOTHING"
)
_DELIVERED: Final = text(
    "UPDATE outbox SET status = 'delivered', delivered_at = :at, lease_until = 0, last_error = NULL"
    " WHERE message_id = :message_id AND status <> 'delivered'"
)
# Only the latest attempt may say what comes next; an earlier one whose lease ran out has lost its say.
_FAILED: Final = text(
    "UPDATE outbox SET status = :status, next_attempt_at = :next_attempt_at, lease_until = 0, last_error = :error"
    " WHERE message_id = :message_id AND attempts = :attempt AND status = 'pending'"
)
# No attempt is made after all, so none is counted.
_TAKE_BACK: Final = text(
    "UPDATE outbox SET status = :status, attempts = attempts - 1, lease_until = 0, next_attempt_at = :next_attempt_at,"
    " last_error = :error WHERE message_id = :message_id"
)
_TOO_LATE: Final = f"{Reason.EXPIRED.value}: it could not be sent in time"
_BURY: Final = text(
    "UPDATE outbox SET status = 'dead', lease_until = 0, last_error = :error"
    " WHERE status = 'pending' AND endpoint = :endpoint"
)
_NEXT: Final = select(func.min(outbox.c.next_attempt_at)).where(
    outbox.c.status == Status.PENDING.value, outbox.c.endpoint.in_(bindparam("of_endpoints", expanding=True))
)


class Obstacle(NamedTuple):
    """Why a message must not go out now, in words that begin with the reason, and for how long.

    Attributes:
        error: What the outbox says of it: the reason, a colon, a sentence.
        wait_us: After which time it may be asked for again, in microseconds; None where it is withdrawn for good.
    """

    error: str
    wait_us: int | None = None


Ask = Callable[[Connection, Sequence[str]], Mapping[str, Obstacle]]
"""Says what stands against messages, by their ids, in the transaction that claims them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours to attempt until the lease is over.

    Attributes:
        message_id: Its id.
        endpoint: Where it goes.
        body: What is sent.
        attempt: Which attempt this is, from 1.
        enqueued_at: When the message was enqueued, in microseconds.
    """

    message_id: str
    endpoint: str
    body: str
    attempt: int
    enqueued_at: int


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


def ask_nothing(_connection: Connection, _message_ids: Sequence[str]) -> Mapping[str, Obstacle]:
    """Let every message go out."""
    return {}


def claim(
    connection: Connection, endpoint: str, *, at_most: int, at: int, lease_us: int, ask: Ask = ask_nothing
) -> list[Claim]:
    """Take messages of an endpoint that are due, the longest waiting first; nobody else gets them during the lease.

    Those that waited too long for their first attempt, while sending was paused or nobody ran, are withdrawn instead,
    and so are those that `ask` objects to, or they are put off while they do not expire before.
    """
    asked = {"of_endpoint": endpoint, "now": at, "at_most": at_most, "until": at + lease_us}
    rows = connection.execute(_CLAIM, asked).all()
    obstacles = {row.message_id: Obstacle(_TOO_LATE) for row in rows if _expires(row, at)}
    rest = [row.message_id for row in rows if row.message_id not in obstacles]
    if rest:
        obstacles.update(ask(connection, rest))
    if obstacles:
        stopped = [(row, obstacles[row.message_id]) for row in rows if row.message_id in obstacles]
        connection.execute(_TAKE_BACK, [_taken_back(row, each, at) for row, each in stopped])
    return [Claim(*row[:-1]) for row in rows if row.message_id not in obstacles]


def _expires(row: Row[Any], moment: int) -> bool:
    """Whether a message that was never attempted is too late at a moment of the wall clock, in microseconds."""
    return row.attempts == 1 and row.expires_at is not None and row.expires_at <= moment


def _taken_back(row: Row[Any], obstacle: Obstacle, at: int) -> dict[str, object]:
    until = at if obstacle.wait_us is None else at + obstacle.wait_us
    waits = obstacle.wait_us is not None and not _expires(row, until)
    return {
        "message_id": row.message_id,
        "status": (Status.PENDING if waits else Status.WITHDRAWN).value,
        "next_attempt_at": until,
        "error": obstacle.error,
    }


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
    return {"message_id": attempt.claim.message_id, "at": attempt.at + attempt.duration_us}


def _failure(attempt: Attempt) -> dict[str, object]:
    return {
        "message_id": attempt.claim.message_id,
        "attempt": attempt.claim.attempt,
        "status": attempt.follows.status.value,
        "next_attempt_at": attempt.follows.next_attempt_at,
        "error": attempt.answer.error,
    }


def bury(connection: Connection, endpoint: str, *, error: str) -> int:
    """Declare all pending messages of an endpoint dead; return how many."""
    return connection.execute(_BURY, {"endpoint": endpoint, "error": error}).rowcount


def next_due(connection: Connection, endpoints: Sequence[str]) -> int | None:
    """Return the earliest moment at which a message of these endpoints is to be attempted, or None."""
    moment: int | None = connection.execute(_NEXT, {"of_endpoints": list(endpoints)}).scalar() if endpoints else None
    return moment


def waiting_for(connection: Connection) -> set[str]:
    """Return the names of all endpoints that messages are waiting for."""
    rows = connection.execute(select(outbox.c.endpoint).where(outbox.c.status == Status.PENDING.value).distinct())
    return set(rows.scalars())
