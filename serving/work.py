"""What every batch works with, and what one gathers on its way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from features.layout import Floats
from policy.policy import Policy
from policy.timing import Timing
from policy.triggers import Trigger
from serving.attribution import Order, Response
from serving.clock import Clock, Ticks
from serving.codes import Pools, StoredPools
from serving.items import Fate, Question, Score
from serving.ledger import EvaluationRow
from serving.log import Appended
from serving.occasions import Occasion
from serving.people import Person
from serving.scorer import Scorer
from serving.states import StateKeeper


@dataclass(slots=True)
class Tools:
    """What every batch works with; models and policy are replaced between batches."""

    keeper: StateKeeper
    scorer: Scorer
    policy: Policy
    timing: Timing
    """Of the policy."""
    clock: Clock
    ticks: Ticks
    score_sample: float
    """Share of the plain scores that the ledger keeps."""
    nearest: Callable[[str], str | None]
    """The known event name most like an unknown one."""
    tracking: str | None = None
    """The purpose whose consent lets events in; None where consent to tracking is assumed."""
    pools: Pools = field(default_factory=StoredPools)
    """Where the codes of messages come from."""
    unwritten: list[EvaluationRow] = field(default_factory=list)
    """Plain scores that the ledger keeps, until the next batch that writes anyway."""
    next_due: int | None = None
    """When the next timer is due, in microseconds; None if none waits."""


class Reading(Struct, eq=False):
    """Features to be read and scored, and decided on if they are those of an event."""

    person: Person | None
    at: int
    decision_id: str
    keep: bool
    seq: int = 0
    row: int = -1
    features: Floats | None = None
    hours: Floats | None = None
    occasion: Occasion | None = None
    event_seq: int | None = None
    triggers: Sequence[Trigger] = ()
    cancelled: Sequence[tuple[Trigger, int]] = ()
    """Triggers that the event made pointless, each with the step at which it waited."""
    untracked: bool = False
    """Whether the person did not agree to be tracked, and so is nobody."""


class Asked(Struct, eq=False):
    """A question on its way through the batch: its readings begin at `first`, one for each user asked about."""

    question: Question
    at: int
    first: int
    fate: Fate | None = None
    """Of the event that came with it."""


class Work(Struct, eq=False):
    """What a batch gathers for its end."""

    readings: list[Reading] = []
    scores: list[Score] = []
    orders: list[Order] = []
    responses: list[Response] = []
    links: list[Appended] = []
    joined: list[Appended] = []
    """The links again, also those that were settled on the way."""
    lessons: list[Appended] = []
    recalling: list[Appended] = []
    """Events that cancel something, and may have come too late for that."""
    concerned: set[int] = set()
    """Of whom something was learned that may forbid what waits, by their numbers."""
    unknown: list[str] = []
    """Names of events that are none of ours, each as often as it came."""
