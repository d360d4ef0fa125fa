"""Conditions: what must be so for a trigger to fire, nested freely by all, any and not."""

from functools import cached_property
from typing import Annotated, Final, Protocol, Self, cast, runtime_checkable

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from policy.block import Block
from policy.conditions_facts import EventTest, FeatureTest, IntentTest, ProfileTest
from policy.conditions_history import Count, Last, NotSince
from policy.conditions_learned import LearnedTest
from policy.conditions_response import ResponseTest
from policy.conditions_send_hour import SendHourTest
from policy.conditions_sessions import InSegment, SessionTest, Visits
from policy.view import Reads, View

DEEPEST: Final = 20
"""No condition is nested deeper than this."""


class Leaf(Protocol):
    """A condition that holds no others."""

    def holds(self, view: View, /) -> bool:
        """Whether it is so."""
        ...

    def sentence(self) -> str:
        """Return the condition in words."""
        ...

    @property
    def reads(self) -> Reads:
        """What it may ask of a view."""
        ...


@runtime_checkable
class Lapsing(Protocol):
    """A condition that looks at a window of time, or at what is under way."""

    def lapses_at(self, view: View, /) -> int | None:
        """Return when the passing of time alone changes the answer, in microseconds; None where it never does."""
        ...


class Condition(Block):
    """One thing that must be so: a block with exactly one of these fields."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    all: tuple["Condition", ...] | None = Field(default=None, min_length=1, description="All of these hold.")
    any: tuple["Condition", ...] | None = Field(default=None, min_length=1, description="At least one of these holds.")
    negated: "Condition | None" = Field(default=None, alias="not", description="This does not hold.")
    event: EventTest | None = Field(default=None, description="A property of the asking event.")
    count: Count | None = Field(default=None, description="How often an event happened.")
    not_since: NotSince | None = Field(default=None, description="What has not happened since.")
    last: Last | None = Field(default=None, description="What followed none of the last few messages.")
    feature: FeatureTest | None = Field(default=None, description="A feature of the catalogue.")
    intent: IntentTest | None = Field(default=None, description="How likely a purchase is.")
    send_hour: SendHourTest | None = Field(
        default=None, description="What is known of the best hour of the person's day."
    )
    visits: Visits | None = Field(default=None, description="How often the person visited.")
    session: SessionTest | None = Field(
        default=None, description="What this visit is like, or the one just over that the asking event was part of."
    )
    segment: InSegment | None = Field(default=None, description="The name of a segment that the person is in.")
    learned: LearnedTest | None = Field(default=None, description="Which learned segment the person is in.")
    response: ResponseTest | None = Field(
        default=None, description="What became of the last message of the sequence; for its steps and `exit_when`."
    )
    profile: ProfileTest | None = Field(default=None, description="A field of the person's profile.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [each.alias or name for name, each in Condition.model_fields.items() if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"holds {' and '.join(given)} at once: put each into a block of its own below all: or any:"
            )
        if not given:
            raise ValueError(f"is empty: it needs one of {', '.join(FIELDS)}")
        return self

    def holds(self, view: View) -> bool:
        """Whether it is so; looks no further than it must, in the order in which it is written. Never raises."""
        if self.all is not None:
            return all(each.holds(view) for each in self.all)
        if self.any is not None:
            return any(each.holds(view) for each in self.any)
        return not self.negated.holds(view) if self.negated is not None else self.leaf.holds(view)

    def sentence(self) -> str:
        """Return the condition in words, to follow `if`."""
        if self.negated is not None:
            return f"it is not so that {self.negated.inner_sentence()}"
        if (parts := self.all or self.any) is None:
            return self.leaf.sentence()
        return (", and " if self.all else ", or ").join(each.inner_sentence() for each in parts)

    def inner_sentence(self) -> str:
        """Return the condition in words, in brackets where it joins several."""
        joined = len(self.all or self.any or ()) > 1
        return f"({self.sentence()})" if joined else self.sentence()

    @cached_property
    def leaf(self) -> Leaf:
        """The one part that is given, where it is none of all, any and not."""
        return cast("Leaf", next(each for name in LEAVES if (each := getattr(self, name)) is not None))

    @cached_property
    def parts(self) -> tuple["Condition", ...]:
        """The conditions right below this one."""
        return self.all or self.any or ((self.negated,) if self.negated is not None else ())

    @cached_property
    def reads(self) -> Reads:
        """What it may ask of a view, whatever holds."""
        return Reads.all_of(each.reads for each in self.parts) if self.parts else self.leaf.reads

    def lapses_at(self, view: View) -> int | None:
        """Return the first moment, in microseconds, at which the passing of time alone may change the answer.

        None where it never does. Of features and intents, which every moment changes, nothing is said, nor of segments.
        """
        if self.parts:
            return min(filter(None, (each.lapses_at(view) for each in self.parts)), default=None)
        return None if self._lapsing is None else self._lapsing.lapses_at(view)

    @cached_property
    def _lapsing(self) -> Lapsing | None:
        # Asked once: of a protocol that is a slow question.
        return self.leaf if isinstance(self.leaf, Lapsing) else None


FIELDS: Final = tuple(each.alias or name for name, each in Condition.model_fields.items())
LEAVES: Final = tuple(name for name in Condition.model_fields if name not in {"all", "any", "negated"})


def _not_too_deep(value: object, left: int = 2 * DEEPEST) -> object:
    if left == 0 and isinstance(value, (dict, list)):
        raise ValueError(f"is nested deeper than {DEEPEST} conditions")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _not_too_deep(each, left - 1)
    return value


When = Annotated[Condition, BeforeValidator(_not_too_deep, json_schema_input_type=Condition)]
"""A whole condition of a policy file."""
