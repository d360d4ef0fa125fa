"""What follows an attempt to deliver: a value, computed from the receiver's answer and nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from features.moments import HOUR_US, SECOND_US

_MINUTE: Final = 60 * SECOND_US

SCHEDULE: Final = (
    0,
    5 * SECOND_US,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * HOUR_US,
    5 * HOUR_US,
    10 * HOUR_US,
    14 * HOUR_US,
    20 * HOUR_US,
    24 * HOUR_US,
)
"""Pauses before the first, second, … attempt, in microseconds (the Standard Webhooks specification's)."""

LONGEST_WAIT: Final = 24 * HOUR_US
"""What a receiver may ask for at most; beyond, its message would be older than anyone wants it."""


class Status(StrEnum):
    """Where a message stands; `dead` and `withdrawn` ones stay in the outbox with the reason as their last error."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt.

    Attributes:
        status_code: HTTP status, or an SMTP server's reply; None when there was no answer.
        error: What went wrong, in words that hold no secret; None after a 2xx.
        retry_after_us: How long the receiver asked us to wait; None when it did not.
        refused: Whether this message, and no other, was refused for good.
        provider_id: What the receiver calls the message; None where it did not say.
    """

    status_code: int | None
    error: str | None = None
    retry_after_us: int | None = None
    refused: bool = False
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of the message.

    Attributes:
        status: Delivered, pending (there will be another attempt), or dead.
        next_attempt_at: Moment of the next attempt in microseconds; only meaningful while pending.
        quiet_until: Until when nothing at all goes to this endpoint; None when it did not ask for quiet.
        gone: Whether the receiver said that this endpoint is gone for good.
    """

    status: Status
    next_attempt_at: int
    quiet_until: int | None = None
    gone: bool = False


def pause_before(attempts_made: int) -> int | None:
    """Return the pause before the next attempt in microseconds, or None when there is none left."""
    return SCHEDULE[attempts_made] if attempts_made < len(SCHEDULE) else None


def after(answer: Answer, *, attempts_made: int, at: int) -> Next:
    """Decide what follows an attempt: only 2xx succeeds, 410 and a refusal end it, all else is tried again.

    Args:
        answer: What came back.
        attempts_made: How many attempts there were, this one included.
        at: The moment it came back, in microseconds.
    """
    if answer.refused:
        return Next(Status.DEAD, at)
    if answer.status_code is not None and 200 <= answer.status_code < 300:
        return Next(Status.DELIVERED, at)
    if answer.status_code == 410:
        return Next(Status.DEAD, at, gone=True)
    asked = None if answer.retry_after_us is None else min(max(answer.retry_after_us, 0), LONGEST_WAIT)
    quiet_until = None if asked is None else at + asked
    pause = pause_before(attempts_made)
    if pause is None:
        return Next(Status.DEAD, at, quiet_until)
    return Next(Status.PENDING, at + max(pause, asked or 0), quiet_until)


def retry_after(header: str | None, *, at: int) -> int | None:
    """Read a Retry-After header (seconds or a date) as a wait in microseconds from `at`; None if it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return int(text[:9]) * SECOND_US
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0, int((aware - datetime.fromtimestamp(at / SECOND_US, UTC)).total_seconds() * SECOND_US))
