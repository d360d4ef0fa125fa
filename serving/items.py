"""What the batch loop is asked, and what it answers; moments are microseconds since the epoch.

Structs, because a frozen dataclass takes ten times as long to make, and each request makes several.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from msgspec import Meta, Struct, field
from sqlalchemy import Connection

from features.events import Event
from features.layout import Floats
from policy.uplift import Uplift
from serving.send_hours import PersonHours

UserIds = tuple[str | None, str | None]
"""user_id and anonymous_id; one of them may be None."""


class Fate(Enum):
    """What becomes of an event."""

    # Each event's is counted, and the enumeration's own hash is written in Python.
    __hash__ = object.__hash__

    ACCEPTED = "accepted"
    """Written down."""
    DUPLICATE = "duplicate"
    """Known before, by its message id."""
    ERASED = "erased"
    """Dropped, since it happened before its user was erased."""
    UNTRACKED = "untracked"
    """Dropped, since its user did not agree to be tracked."""
    OUTDATED = "outdated"
    """Dropped, since it happened before what the log still holds."""


class Question(Struct, frozen=True):
    """How likely are these users to buy? An event, if there is one, is the first user's, and is folded before.

    Without an event, `keep` says whether the answer may be sampled into the ledger.
    """

    users: Sequence[UserIds]
    event: Event | None = None
    at: int | None = None
    explain: bool = False
    keep: bool = True


class Arrival(Struct, frozen=True):
    """Events to be written down."""

    events: Sequence[Event]


class Job(Struct, frozen=True):
    """Anything else that writes: a function of the one connection that may."""

    run: Callable[[Connection], Any]
    alone: bool = False
    """Whether nothing else may be in its transaction."""
    committed: Callable[[], None] | None = None
    """What follows its commit, before the next batch; only of one that is alone."""


class Due(Struct, frozen=True):
    """Timers may be due: those that are fire."""


Item = Question | Arrival | Job | Due


def size_of(item: Item) -> int:
    """Return how many people an item speaks of, about."""
    match item:
        case Question():
            return len(item.users)
        case Arrival():
            return len(item.events)
        case Job() | Due():
            return 1


def is_alone(item: Item) -> bool:
    """Whether nothing else may be in its transaction."""
    return isinstance(item, Job) and item.alone


class Contribution(Struct, frozen=True):
    """How far one feature moved a score, in log-odds."""

    feature: str
    meaning: str
    value: float
    contribution: float


class Decided(Struct, frozen=True, omit_defaults=True):
    """What the policy said for one trigger; `objections` and `due_at` are told where there are any."""

    decision_id: str
    trigger: str
    action: str
    reason: str
    score: float | None
    threshold: float
    horizon: str
    message_id: str | None
    objections: tuple[str, ...] = ()
    due_at: Annotated[datetime, Meta(tz=True)] | None = None


class Score(Struct):
    """What is known and likely of one user at one moment.

    Attributes:
        known: Whether the log holds anything of this user.
        intent: Probability of a purchase by horizon; None where there is no answer.
        features: The feature vector that was scored.
        fate: What became of the event that came with the question; where it was not accepted, nothing was decided.
        untracked: Whether the user did not agree to be tracked, and so was scored as somebody unknown.
        decision_id: Under which the ledger holds this; None where it was not written down.
        decisions: One for each trigger that the event matched.
        explain: The top contributions by horizon, where asked for.
        hours: Tells at which hour of their day the user is there; None where no model says it.
        uplifts: What the messages of triggers that go by uplift add; None where no model says it of any that is asked.
    """

    known: bool
    intent: Mapping[str, float | None]
    features: Floats
    fate: Fate | None = None
    untracked: bool = False
    decision_id: str | None = None
    decisions: list[Decided] = field(default_factory=list)
    explain: Mapping[str, list[Contribution]] | None = None
    hours: PersonHours | None = None
    uplifts: dict[str, Uplift] | None = None


class ModelUsed(Struct, frozen=True):
    """Which model gave the intent of one horizon, or the send hour."""

    name: str
    version: str
    calibrated: bool


class Answer(Struct, frozen=True):
    """The answer to a question.

    Attributes:
        at: The moment as of which the features were read.
        models: Which model gave the intent, by horizon; of the send hour as `send-hour`.
        policy_version: Of the policy that decided.
        scores: One for each user asked about, in order.
    """

    at: int
    models: Mapping[str, ModelUsed]
    policy_version: str
    scores: Sequence[Score]


class Ingested(Struct, frozen=True):
    """What became of events: how many had each `Fate`, in that order, and how many accepted ones nobody knows."""

    accepted: int
    duplicates: int
    erased: int = 0
    untracked: int = 0
    outdated: int = 0
    unknown: int = 0
