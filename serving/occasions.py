"""What lets triggers decide: an event that came, or a timer that is due."""

from dataclasses import dataclass

from features.events import Event
from serving.log import Appended
from serving.people import Person


@dataclass(slots=True, eq=False)
class Occasion:
    """What lets triggers decide: an event that came, or a timer that is due.

    Attributes:
        person: Whom it is about.
        unit: What arms were drawn for when it came; later links can change the person's.
        event: What happened, or what armed the timer.
        event_seq: Its position in the log.
        known_at: When it became known, in microseconds.
        at: Moment of the decision, in microseconds.
        since: From when on the decision grows stale: when the event happened, or the timer was due.
        until: Position of the log up to which links are known.
    """

    person: Person
    unit: str
    event: Event
    event_seq: int
    known_at: int
    at: int
    since: int
    until: int


def occasion_of(added: Appended) -> Occasion:
    """Return the occasion of an event that the log now holds."""
    event = added.event
    known_at = added.known_at
    return Occasion(added.person, added.unit, event, added.seq, known_at, known_at, event.occurred_at, added.seq)
