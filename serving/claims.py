"""Claiming messages of the outbox under a lease, in the instant in which what stands against them is asked again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select, text, update

from policy.reasons import Reason
from serving.retry import Status
from serving.schema import outbox

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
# No attempt is made after all, so none is counted.
_TAKE_BACK: Final = text(
    "UPDATE outbox SET status = :status, attempts = attempts - 1, lease_until = 0, next_attempt_at = :next_attempt_at,"
    " last_error = :error WHERE message_id = :message_id"
)
_TOO_LATE: Final = f"{Reason.EXPIRED.value}: it could not be sent in time"


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


def ask_nothing(_connection: Connection, _message_ids: Sequence[str]) -> Mapping[str, Obstacle]:
    """Let every message go out."""
    return {}


def take(
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
