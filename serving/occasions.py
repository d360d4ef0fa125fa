"""What lets triggers decide: an event that came, or a timer that is due."""

from msgspec import Struct

from features.events import Event
from policy.runs import Run
from serving.log import Appended
from serving.people import Person
from serving.timers import Timer


class Occasion(Struct, eq=False):
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
        seen_at: When the person was last on a visit then, in microseconds.
        timezone: Where they were then: an IANA name, or None.
        excluded: Why models and triggers passed them by then, or None.
        run: Where the trigger stands whose moment has come; None where an event asks at once.
    """

    person: Person
    unit: str
    event: Event
    event_seq: int
    known_at: int
    at: int
    since: int
    until: int
    seen_at: int
    timezone: str | None
    excluded: str | None
    run: Run | None = None

    @property
    def happened_at(self) -> int:
        """When the event happened, in microseconds, as the log has it: at the latest when it became known."""
        return min(self.event.occurred_at, self.known_at)


def occasion_of(added: Appended) -> Occasion:
    """Return the occasion of an event that the log now holds."""
    event = added.event
    known_at = added.known_at
    return Occasion(
        added.person,
        added.unit,
        event,
        added.seq,
        known_at,
        at=known_at,
        since=event.occurred_at,
        until=added.seq,
        seen_at=added.person.last_seen_at,
        timezone=added.person.timezone,
        excluded=added.person.excluded,
    )


def due_occasion(timer: Timer, person: Person, armed_by: tuple[Event, int], *, at: int, until: int) -> Occasion:
    """Return the occasion of a timer whose moment has come.

    Args:
        timer: Which.
        person: Whose it is by now.
        armed_by: The event that armed it, and when that became known, in microseconds.
        at: Moment of the decision, in microseconds.
        until: Position of the log up to which links are known.
    """
    event, known_at = armed_by
    return Occasion(
        person,
        person.unit,
        event,
        timer.event_seq,
        known_at,
        at,
        since=timer.due_at,
        until=until,
        seen_at=person.last_seen_at,
        timezone=person.timezone,
        excluded=person.excluded,
        run=timer.run,
    )
