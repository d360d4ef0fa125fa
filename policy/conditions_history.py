"""Conditions on what the person did before: how often, not since, and in answer to the last messages."""

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from policy.comparisons import Block, Range, same
from policy.conditions_facts import PropertyTest, Text
from policy.event_names import EventName, event_key
from policy.likeness import Same, subjects
from policy.quantities import Duration, in_words, microseconds
from policy.view import EVER_US, Reads, Seen, View

Times = Annotated[StrictInt, Field(ge=0)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class Count(Range):
    """How often an event happened."""

    event: EventName = Field(description="The event to count; the asking one is counted too.")
    within: Duration | None = Field(default=None, description="How far back to look: `24h`, `7d`; default: ever.")
    at_least: Times | None = Field(default=None, description="This often or more.")
    more_than: Times | None = Field(default=None, description="More often than this.")
    at_most: Times | None = Field(default=None, description="This often or less.")
    less_than: Times | None = Field(default=None, description="Less often than this.")
    exactly: Times | None = Field(default=None, description="Exactly so often.")
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

    @model_validator(mode="after")
    def _says_how_often(self) -> Self:
        if all(each is None for each in (*self.bounds, self.exactly, self.every)):
            raise ValueError("does not say how often: add at_least, at_most, exactly, more_than, less_than or every")
        return self

    @property
    def bounds(self) -> tuple[float | None, ...]:
        """What is given of a range."""
        return self.at_least, self.more_than, self.at_most, self.less_than

    def holds(self, view: View) -> bool:
        """Whether it happened as often as asked."""
        concerns = _about(self.same, view, unsaid=False)
        found = sum(
            concerns(seen) and all(each.allows(seen.properties) for each in self.where)
            for seen in view.recent(event_key(self.event), view.at - self._window_us)
        )
        return (
            self.spans(found)
            and (self.exactly is None or found == self.exactly)
            and (self.every is None or (found > 0 and found % self.every == 0))
        )

    def sentence(self) -> str:
        """Return the condition in words."""
        whose = f", its {' and its '.join(each.words() for each in self.where)}," if self.where else ""
        window = f"within {in_words(self.within)}" if self.within is not None else "so far"
        return f"{self.event}{_of_the_same(self.same)}{whose} {self._how_often()} {window}"

    def _how_often(self) -> str:
        if self.exactly == 0:
            return "did not happen"
        often = [f"{self.words()} times"] if any(each is not None for each in self.bounds) else []
        often += [f"exactly {self.exactly} times"] if self.exactly is not None else []
        often += [f"{self.every}, {2 * self.every}, … times"] if self.every is not None else []
        return f"happened {' and '.join(often)}"

    @cached_property
    def reads(self) -> Reads:
        """The event within the window."""
        return Reads(window_us=self._window_us, events=frozenset({self.event}))

    @cached_property
    def _window_us(self) -> int:
        return EVER_US if self.within is None else microseconds(self.within)


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

    @cached_property
    def reads(self) -> Reads:
        """The event after the asking one, or both events within the window."""
        if self.since is None:
            return Reads(since_event=True, events=frozenset({self.event}))
        return Reads(window_us=microseconds(self.within), events=frozenset({self.event, self.since}))

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
