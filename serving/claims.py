"""Claiming messages of the outbox under a lease, in the instant in which what stands against them is asked again."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select, text, update

from policy.reasons import Reason
from serving.rendered import Render, Rendered, Unrenderable
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
        findings=None,
    )
    .returning(
        outbox.c.message_id,
        outbox.c.endpoint,
        outbox.c.body,
        outbox.c.attempts,
        outbox.c.created_at,
        outbox.c.attempts_before,
        outbox.c.expires_at,
    )
)
# No attempt is made after all, so none is counted.
_TAKE_BACK: Final = text(
    "UPDATE outbox SET status = :status, attempts = attempts - 1, lease_until = 0, next_attempt_at = :next_attempt_at,"
    " last_error = :error, findings = :findings WHERE message_id = :message_id"
)
_UNRENDERABLE: Final = text(
    "UPDATE outbox SET status = 'dead', attempts = attempts - 1, lease_until = 0, last_error = :error"
    " WHERE message_id = :message_id"
)
_NOT_RENDERED: Final = "not_rendered: the templates could not be filled in; it is tried again"
_LOOK_AGAIN_US: Final = 60_000_000
log = logging.getLogger(__name__)
_TOO_LATE: Final = f"{Reason.EXPIRED.value}: it could not be sent in time"


class Obstacle(NamedTuple):
    """Why a message must not go out now, in words that begin with the reason, and for how long.

    Attributes:
        error: What the outbox says of it: the reason, a colon, a sentence.
        wait_us: After which time it may be asked for again, in microseconds; None where it is withdrawn for good.
        findings: What each guard said, as `serving.findings` packs it; None where something else objects.
    """

    error: str
    wait_us: int | None = None
    findings: str | None = None


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
        attempts_before: How many of the attempts were made before somebody had it tried anew.
        rendered: What it says; None where its endpoint takes the body as it is.
    """

    message_id: str
    endpoint: str
    body: str
    attempt: int
    enqueued_at: int
    attempts_before: int = 0
    rendered: Rendered | None = None

    @property
    def tries(self) -> int:
        """How many attempts there were since it was enqueued, or had to be tried anew; this one included."""
        return self.attempt - self.attempts_before


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
        "findings": obstacle.findings,
    }


def in_words(connection: Connection, claims: Sequence[Claim], render: Render, *, at: int) -> list[Claim]:
    """Return claims with what they say; what can never be said is dead, with the reason, and no attempt is made.

    Should rendering itself fail, these messages alone are put off for a minute; `at` is the moment in microseconds.
    """
    try:
        found = render(connection, claims) if claims else {}
    except Exception:
        # Nobody else's messages must wait for it.
        log.exception("%d messages could not be put into words; trying again in a minute", len(claims))
        rows = [_put_off(each, at + _LOOK_AGAIN_US) for each in claims]
        connection.execute(_TAKE_BACK, rows)
        return []
    said = [(each, found.get(each.message_id, Unrenderable("not_rendered"))) for each in claims]
    dead = [{"message_id": each.message_id, "error": str(why)} for each, why in said if isinstance(why, Unrenderable)]
    if dead:
        connection.execute(_UNRENDERABLE, dead)
    return [replace(each, rendered=words) for each, words in said if isinstance(words, Rendered)]


def _put_off(claim: Claim, until: int) -> dict[str, object]:
    pending = Status.PENDING.value
    state = {"status": pending, "next_attempt_at": until, "error": _NOT_RENDERED, "findings": None}
    return {"message_id": claim.message_id, **state}
