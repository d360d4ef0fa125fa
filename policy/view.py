"""What a condition may look at: one person at one moment, however that is fetched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, Self

from features.suspicion import by_machine
from policy.event_names import event_key

EVER_US: Final = 1 << 60
"""A window without an end, in microseconds."""


class Seen(NamedTuple):
    """One event of the person's, as a condition sees it; moments in microseconds.

    Attributes:
        kind: The number of its kind, 0 where it has none.
        name: As it came.
        occurred_at: When it happened.
        known_at: When it arrived.
        properties: Under our names.
    """

    kind: int
    name: str
    occurred_at: int
    known_at: int
    properties: Mapping[str, Any]

    @property
    def by_machine(self) -> bool:
        """Whether a mail gateway or a preview did it, and not the person; conditions do not see such events."""
        return by_machine(self.kind, self.properties)


class SentMessage(NamedTuple):
    """A message that a sequence sent, or withheld for comparison.

    Attributes:
        decision_id: The decision that made it, which comes back with every report about it.
        at: When it was decided, in microseconds.
        message_ids: What it may be called by whoever delivers it.
    """

    decision_id: str
    at: int
    message_ids: frozenset[str] = frozenset()


class View(Protocol):
    """One person at one moment; what is not asked for need not be fetched."""

    @property
    def at(self) -> int:
        """The moment of the question, in microseconds."""
        ...

    @property
    def event(self) -> Seen | None:
        """The event that asks, or armed what is now due; None where nothing in particular asks."""
        ...

    @property
    def message(self) -> SentMessage | None:
        """The last message of the sequence whose next step is asked; None where none is."""
        ...

    def recent(self, kind_or_name: int | str, since_us: int, /) -> Sequence[Seen]:
        """Return the events with that `event_key` that happened after `since_us` and not after `at`, newest first.

        The asking event is one of them. Newest is what happened last; of two at the same moment, what arrived last.
        """
        ...

    def everything(self, since_us: int, /) -> Sequence[Seen]:
        """Return the events of every kind that happened after `since_us` and not after `at`, in the same order."""
        ...

    def feature(self, name: str, /) -> float:
        """Return a feature of the catalogue at that moment; NaN where there is no answer."""
        ...

    def intent(self, horizon: str, /) -> float | None:
        """Return the probability of a purchase within the horizon; None or NaN where there is no answer."""
        ...

    def decile(self, horizon: str, /) -> int | None:
        """Return in which tenth of what the model was tested on the intent is, 10 the highest; None if unknown."""
        ...

    def send_hour_confidence(self) -> float:
        """Return how sure the best hour of the person's day is, from 0 to 1; 0.0 as long as only the prior answers."""
        ...

    def learned(self, family: str, /) -> str | None:
        """Return the learned segment of a family, `rfm` or `clusters`; None where no model of it is in service."""
        ...

    def profile(self, field: str, /) -> object:
        """Return a field of the person's profile; None where it is not known."""
        ...

    def segment(self, name: str, /) -> bool:
        """Whether the person is in a segment of the policy at that moment."""
        ...


@dataclass(frozen=True, slots=True)
class Reads:
    """What a condition may ask of a view: fetch this much and no more.

    Attributes:
        window_us: How far back before the moment of the question, in microseconds; `EVER_US` is all there is.
        since_event: Whether also what happened after the asking event, however long ago that was.
        asking: Whether the asking event makes a difference.
        message: Whether the last message of a running sequence does.
        send_hour: Whether what is known of the person's best hour does.
        events: Our names of the events looked for.
        everything: Whether events of every kind are looked for.
        features: Names in the catalogue.
        intents: Labels of horizons.
        learned: Learned segments, by family and name such as `rfm/champions`.
        profile: Fields of the profile.
        segments: Names of segments; what these read is not in here.
    """

    window_us: int = 0
    since_event: bool = False
    asking: bool = False
    message: bool = False
    send_hour: bool = False
    everything: bool = False
    events: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    intents: frozenset[str] = frozenset()
    learned: frozenset[str] = frozenset()
    profile: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()

    @property
    def history(self) -> bool:
        """Whether earlier events are needed at all."""
        return self.everything or bool(self.events)

    @property
    def keys(self) -> frozenset[int | str]:
        """The events looked for, as `View.recent` is asked for them."""
        return frozenset(map(event_key, self.events))

    @classmethod
    def all_of(cls, parts: Iterable[Self]) -> Self:
        """Return what all of them read together."""
        found = tuple(parts)
        return cls(
            window_us=max((each.window_us for each in found), default=0),
            since_event=any(each.since_event for each in found),
            asking=any(each.asking for each in found),
            message=any(each.message for each in found),
            send_hour=any(each.send_hour for each in found),
            everything=any(each.everything for each in found),
            events=frozenset().union(*(each.events for each in found)),
            features=frozenset().union(*(each.features for each in found)),
            intents=frozenset().union(*(each.intents for each in found)),
            learned=frozenset().union(*(each.learned for each in found)),
            profile=frozenset().union(*(each.profile for each in found)),
            segments=frozenset().union(*(each.segments for each in found)),
        )
