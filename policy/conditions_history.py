"""Conditions on what the person did before: how often, not since, and in answer to the last messages."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt

from policy.block import Block
from policy.comparisons import same
from policy.conditions_facts import PropertyTest, Text
from policy.conditions_sessions import HowOften, lapse
from policy.event_names import EventName, event_key
from policy.likeness import Same, subjects
from policy.quantities import LONGEST, Duration, Written, in_words, microseconds, read_duration
from policy.sessions import GAP_US, session_of
from policy.view import EVER_US, Reads, Seen, View

SESSION = "session"


def _read_window(value: object) -> object:
    found = value if value == SESSION else read_duration(value)
    if isinstance(found, timedelta) and not timedelta(0) <= found <= LONGEST:
        raise ValueError(f"must be no longer than {LONGEST.days}d")
    return found


Window = Annotated[
    timedelta | Literal["session"],
    BeforeValidator(_read_window, json_schema_input_type=Written | Literal["session"]),
]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class Count(HowOften):
    """How often an event happened."""

    event: EventName = Field(description="The event to count; the asking one is counted too.")
    within: Window | None = Field(
        default=None,
        description="How far back to look: `24h`, `7d`, or to the beginning of this visit: `session`; default: ever.",
    )
    every: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, description="Each time that the count is a multiple of this: `5` is every fifth."
    )
    same: Same | None = Field(
        default=None, description="Count only events about the same `product`, `category` or `cart` as the asking one."
    )
    where: Annotated[
        tuple[PropertyTest, ...],
        BeforeValidator(_as_list, json_schema_input_type=PropertyTest | tuple[PropertyTest, ...]),
    ] = Field(default=(), description="Count only events whose properties are like this.")

    def holds(self, view: View) -> bool:
        """Whether it happened as often as asked; within no visit nothing did."""
        recent = self._recent(view)
        # Too few of any are too few of these, whatever each is about.
        if self.at_least is not None and len(recent) < self.at_least:
            return False
        return self.allows(len(self._among(recent, view)))

    def allows(self, found: int) -> bool:
        """Whether this many are as asked."""
        return super().allows(found) and (self.every is None or (found > 0 and found % self.every == 0))

    @property
    def is_said(self) -> bool:
        """Whether anything is said of the number."""
        return super().is_said or self.every is not None

    def lapses_at(self, view: View) -> int | None:
        """Return when the passing of time alone changes the answer, in microseconds; None where it never does."""
        found = self._found(view)
        if self.within != SESSION:
            return lapse([each.occurred_at for each in found], self.allows, self._window_us)
        session = session_of(view) if self.allows(len(found)) is not self.allows(0) else None
        return session.last_at + GAP_US + 1 if session is not None and session.last_at + GAP_US >= view.at else None

    def sentence(self) -> str:
        """Return the condition in words."""
        whose = f", its {' and its '.join(each.words() for each in self.where)}," if self.where else ""
        window = f"within {in_words(self.within)}" if isinstance(self.within, timedelta) else "so far"
        window = "during the visit" if self.within == SESSION else window
        return f"{self.event}{_of_the_same(self.same)}{whose} {self._how_often()} {window}"

    def _how_often(self) -> str:
        if self.exactly == 0:
            return "did not happen"
        often = [self.counted("time")] if self.is_bounded or self.exactly is not None else []
        often += [f"{self.every}, {2 * self.every}, … times"] if self.every is not None else []
        return f"happened {' and '.join(often)}"

    @cached_property
    def reads(self) -> Reads:
        """The event within the window."""
        return Reads(
            window_us=self._window_us,
            asking=self.same is not None,
            events=frozenset({self.event}),
            everything=self.within == SESSION,
        )

    def _found(self, view: View) -> list[Seen]:
        return self._among(self._recent(view), view)

    def _recent(self, view: View) -> Sequence[Seen]:
        """Return the events of that name within the window."""
        earliest = self._earliest(view)
        return () if earliest is None else view.recent(event_key(self.event), earliest)

    def _among(self, recent: Sequence[Seen], view: View) -> list[Seen]:
        """Return those that are about the same and are as asked."""
        concerns = _about(self.same, view, unsaid=False)
        tests = self.where
        return [each for each in recent if concerns(each) and all(test.allows(each.properties) for test in tests)]

    def _earliest(self, view: View) -> int | None:
        if self.within != SESSION:
            return view.at - self._window_us
        session = session_of(view)
        return session.started_at - 1 if session is not None else None

    @cached_property
    def _window_us(self) -> int:
        return microseconds(self.within) if isinstance(self.within, timedelta) else EVER_US


class NotSince(Block):
    """What must not have happened since the asking event, or since another."""

    event: EventName = Field(description="The event that must not have happened.")
    since: EventName | None = Field(default=None, description="Since the last of these; default: the asking event.")
    within: Duration = Field(
        default="90d",
        validate_default=True,
        description="How far back to look for the last `since`; without one, all of that time counts.",
    )
    same: Same | None = Field(
        default=None,
        description="Look only at events about the same `product`, `category` or `cart`, or that say none.",
    )

    def holds(self, view: View) -> bool:
        """Whether it has not happened; of an event that does not say what it is about, it may have been the one."""
        start = self._start(view)
        concerns = _about(self.same, view, unsaid=True)
        return start is not None and not any(map(concerns, view.recent(event_key(self.event), start)))

    def sentence(self) -> str:
        """Return the condition in words."""
        since = f" the last {self.since} (of {in_words(self.within)})" if self.since else " then"
        return f"{self.event}{_of_the_same(self.same)} has not happened since{since}"

    def lapses_at(self, view: View) -> int | None:
        """Return when what happened since will lie too far back, in microseconds; None where nothing did."""
        start = self._start(view)
        if start is None or self.since is None:
            return None
        concerns = _about(self.same, view, unsaid=True)
        happened = next((each for each in view.recent(event_key(self.event), start) if concerns(each)), None)
        return happened.occurred_at + microseconds(self.within) if happened is not None else None

    @cached_property
    def reads(self) -> Reads:
        """The event after the asking one, or both events within the window."""
        asking = self.same is not None or self.since is None
        if self.since is None:
            return Reads(since_event=True, asking=asking, events=frozenset({self.event}))
        return Reads(window_us=microseconds(self.within), asking=asking, events=frozenset({self.event, self.since}))

    def _start(self, view: View) -> int | None:
        if self.since is None:
            return view.event.occurred_at if view.event is not None else None
        earliest = view.at - microseconds(self.within)
        concerns = _about(self.same, view, unsaid=False)
        return next(
            (each.occurred_at for each in view.recent(event_key(self.since), earliest) if concerns(each)), earliest
        )


class Last(Block):
    """What must not have followed any of the last few messages."""

    n: Annotated[StrictInt, Field(ge=1, le=100)] = Field(description="How many of them; fewer are not enough.")
    of: EventName = Field(description="What is looked back at, such as `Email Delivered`.")
    none: EventName = Field(description="What must have followed none of them, such as `Email Opened`.")
    by: Text | None = Field(
        default=None,
        description="Property that tells which one is answered, such as `email_id`; default: any after the first.",
    )
    within: Duration = Field(default="90d", validate_default=True, description="How far back to look.")

    def holds(self, view: View) -> bool:
        """Whether there are as many, and none was answered."""
        sent = view.recent(event_key(self.of), view.at - microseconds(self.within))[: self.n]
        if len(sent) < self.n:
            return False
        answers = view.recent(event_key(self.none), sent[-1].occurred_at)
        return not any(self._answers(answer, message) for answer in answers for message in sent)

    def sentence(self) -> str:
        """Return the condition in words."""
        by = f" with the same {self.by}" if self.by else ""
        return f"no {self.none}{by} followed the last {self.n} {self.of} (of {in_words(self.within)})"

    def lapses_at(self, view: View) -> int | None:
        """Return when the first of the messages will lie too far back, in microseconds; None where it is not so now."""
        if not self.holds(view):
            return None
        sent = view.recent(event_key(self.of), view.at - microseconds(self.within))
        return sent[self.n - 1].occurred_at + microseconds(self.within)

    @cached_property
    def reads(self) -> Reads:
        """Both events within the window."""
        return Reads(window_us=microseconds(self.within), events=frozenset({self.of, self.none}))

    def _answers(self, answer: Seen, message: Seen) -> bool:
        return self.by is None or same(answer.properties.get(self.by), message.properties.get(self.by))


def _of_the_same(what: Same | None) -> str:
    return f" of the same {what}" if what else ""


def _about(what: Same | None, view: View, *, unsaid: bool) -> Callable[[Seen], bool]:
    """Return whether an event is about what the asking one is about; `unsaid` where it names nothing of the sort."""
    if what is None:
        return lambda _: True
    asked = subjects(what, view.event.properties) if view.event is not None else frozenset()

    def concerns(seen: Seen) -> bool:
        named = subjects(what, seen.properties)
        return bool(named & asked) or (unsaid and not (named and asked))

    return concerns
