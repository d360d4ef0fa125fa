"""Conditions on visits, and on the segments that a person is in."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cached_property
from operator import ge, gt, le, lt
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, RootModel, StrictInt, ValidationInfo, model_validator

from policy.block import Block
from policy.comparisons import Range
from policy.likeness import subjects
from policy.names import Name
from policy.quantities import Duration, in_words, microseconds
from policy.sessions import GAP_US, Session, session_of, sessions
from policy.view import EVER_US, Reads, View

Times = Annotated[StrictInt, Field(ge=0)]


class HowOften(Range):
    """How often something happened."""

    at_least: Times | None = Field(default=None, description="This often or more.")
    more_than: Times | None = Field(default=None, description="More often than this.")
    at_most: Times | None = Field(default=None, description="This often or less.")
    less_than: Times | None = Field(default=None, description="Less often than this.")
    exactly: Times | None = Field(default=None, description="Exactly so often.")

    @model_validator(mode="after")
    def _says_how_often(self) -> Self:
        if not self.is_said:
            raise ValueError("does not say how often: add at_least, at_most, exactly, more_than or less_than")
        return self

    @property
    def is_said(self) -> bool:
        """Whether anything is said of the number."""
        return self.is_bounded or self.exactly is not None

    def allows(self, found: int) -> bool:
        """Whether this many are as asked."""
        return self.spans(found) and (self.exactly is None or found == self.exactly)

    def counted(self, noun: str) -> str:
        """Return the bounds in words with what they count, such as `at least 1 time`."""
        said = (self.at_least, self.more_than, self.at_most, self.less_than, self.exactly)
        return f"{self.words()} {noun}{'s' * ({*said} - {None} != {1})}"

    def words(self) -> str:
        """Return the bounds in words, such as `at least 3 and less than 10`."""
        exactly = [f"exactly {self.exactly}"] if self.exactly is not None else []
        return " and ".join([*([super().words()] if self.is_bounded else []), *exactly])


class HowLong(Block):
    """How long something lasted."""

    at_least: Duration | None = Field(default=None, description="So long or longer: `5 min`.")
    more_than: Duration | None = Field(default=None, description="Longer than this.")
    at_most: Duration | None = Field(default=None, description="So long at most.")
    less_than: Duration | None = Field(default=None, description="Shorter than this.")

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        if all(getattr(self, name) is None for name in HowLong.model_fields):
            raise ValueError(f"does not say how long: add one of {', '.join(HowLong.model_fields)}")
        return self

    def allows(self, length_us: int) -> bool:
        """Whether this many microseconds are as asked."""
        asked = (self.at_least, ge), (self.more_than, gt), (self.at_most, le), (self.less_than, lt)
        return all(holds(length_us, microseconds(bound)) for bound, holds in asked if bound is not None)

    def words(self) -> str:
        """Return the bounds in words, such as `at least 5 minutes`."""
        said = [(name.replace("_", " "), getattr(self, name)) for name in HowLong.model_fields]
        return " and ".join(f"{name} {in_words(bound)}" for name, bound in said if bound is not None)


class Visits(HowOften):
    """How often the person visited: what they did without a pause of more than 30 minutes is one visit."""

    within: Duration | None = Field(default=None, description="How far back to look: `30d`; default: ever.")

    def holds(self, view: View) -> bool:
        """Whether there were as many; one that reaches into the window is one of them."""
        return self.allows(len(self._found(view)))

    def sentence(self) -> str:
        """Return the condition in words."""
        window = f"within {in_words(self.within)}" if self.within is not None else "so far"
        return f"the person visited {self.counted('time')} {window}"

    def lapses_at(self, view: View) -> int | None:
        """Return when the passing of time alone changes the answer, in microseconds; None where it never does."""
        return lapse([each.last_at for each in self._found(view)], self.allows, self._window_us)

    @cached_property
    def reads(self) -> Reads:
        """Everything within the window."""
        return Reads(window_us=self._window_us, everything=True)

    def _found(self, view: View) -> list[Session]:
        return list(sessions(view.everything(view.at - self._window_us)))

    @cached_property
    def _window_us(self) -> int:
        return EVER_US if self.within is None else microseconds(self.within)


class SessionTest(Block):
    """What the present visit must be like, or the one just over that the asking event is part of."""

    length: HowLong | None = Field(default=None, description="How long it lasted, from its first event to its last.")
    events: HowOften | None = Field(default=None, description="How many events it has.")
    products: HowOften | None = Field(default=None, description="How many different products its events name.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.length is None and self.events is None and self.products is None:
            raise ValueError("says nothing of the visit: add length, events or products")
        return self

    def holds(self, view: View) -> bool:
        """Whether there is such a visit, and it is as asked."""
        found = session_of(view)
        return (
            found is not None
            and (self.length is None or self.length.allows(found.last_at - found.started_at))
            and (self.events is None or self.events.allows(len(found.events)))
            and (self.products is None or self.products.allows(_products(found)))
        )

    def sentence(self) -> str:
        """Return the condition in words."""
        lasts = [f"lasts {self.length.words()}"] if self.length is not None else []
        events = [f"has {self.events.counted('event')}"] if self.events is not None else []
        products = [f"is about {self.products.counted('product')}"] if self.products is not None else []
        return f"the visit {' and '.join([*lasts, *events, *products])}"

    def lapses_at(self, view: View) -> int | None:
        """Return when the visit that makes it so will be over, in microseconds; None where none does."""
        found = session_of(view) if self.holds(view) else None
        return found.last_at + GAP_US + 1 if found is not None and found.last_at + GAP_US >= view.at else None

    @cached_property
    def reads(self) -> Reads:
        """Everything, since nobody knows how long a visit may be."""
        return Reads(window_us=EVER_US, everything=True)


def _known_segment(name: str, info: ValidationInfo) -> str:
    names = (info.context or {}).get("segments")
    if names is not None and name not in names:
        nearest = get_close_matches(name, names, n=1)
        known = f"did you mean {nearest[0]}?" if nearest else "segments: holds those there are"
        raise ValueError(f"is no segment of this file; {known}")
    return name


class InSegment(RootModel[Annotated[Name, AfterValidator(_known_segment)]]):
    """A segment that the person must be in."""

    model_config = ConfigDict(frozen=True)

    def holds(self, view: View) -> bool:
        """Whether the person is in it at that moment."""
        return view.segment(self.root)

    def sentence(self) -> str:
        """Return the condition in words."""
        return f"the person is in the segment {self.root}"

    @cached_property
    def reads(self) -> Reads:
        """The segment."""
        return Reads(segments=frozenset({self.root}))


def lapse(moments: Sequence[int], allows: Callable[[int], bool], window_us: int) -> int | None:
    """Return when a number of moments within a window changes what it allows, by their leaving it; None if never.

    Args:
        moments: Those within the window now, the latest first, in microseconds.
        allows: Whether a number of them is as asked.
        window_us: How long each stays; no moment leaves `EVER_US`.
    """
    if window_us >= EVER_US:
        return None
    now = allows(len(moments))
    return next((moments[n] + window_us for n in reversed(range(len(moments))) if allows(n) is not now), None)


def _products(session: Session) -> int:
    return len(frozenset().union(*(subjects("product", each.properties) for each in session.events)))
