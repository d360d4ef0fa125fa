"""Comparing a value with what a policy file says of it; what cannot be compared is not so, and never an error."""

from collections.abc import Callable, Iterable
from functools import cached_property
from math import isinf
from operator import ge, gt, le, lt
from typing import Annotated, Any, Final, Self, TypeGuard

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from policy.block import Block
from policy.quantities import Percent, read_share


def _number(value: object) -> object:
    read = read_share(value)
    if not is_number(read) or isinf(read):
        raise ValueError("must be a number, or a percentage such as 10%")
    return read


def _plain(value: Any) -> Any:
    if not isinstance(value, (str, bool)) and (not is_number(value) or isinf(value)):
        raise ValueError("must be a text, a number, true or false")
    return value


Number = Annotated[StrictInt | StrictFloat, BeforeValidator(_number, json_schema_input_type=float | Percent)]
Plain = Annotated[
    StrictBool | StrictInt | StrictFloat | StrictStr,
    BeforeValidator(_plain, json_schema_input_type=bool | int | float | str),
]


_WORDS: Final = {
    "at_least": "at least {}",
    "more_than": "more than {}",
    "at_most": "at most {}",
    "less_than": "less than {}",
    "equal": "{}",
    "differs": "not {}",
    "one_of": "one of {}",
    "contains": "containing {}",
}


class Range(Block):
    """Bounds of a number; all that are given must hold."""

    at_least: Number | None = Field(default=None, description="This or more.")
    more_than: Number | None = Field(default=None, description="More than this.")
    at_most: Number | None = Field(default=None, description="This or less.")
    less_than: Number | None = Field(default=None, description="Less than this.")

    def spans(self, value: object) -> bool:
        """Whether the value is a number that all given bounds allow; true of anything where none is given."""
        return all(is_number(value) and holds(value, bound) for bound, holds in self._bounds)

    @property
    def is_bounded(self) -> bool:
        """Whether a bound is given."""
        return bool(self._bounds)

    @cached_property
    def _bounds(self) -> tuple[tuple[float, Callable[[Any, Any], bool]], ...]:
        """The bounds that are given, each with what holds between a number and it."""
        asked = (self.at_least, ge), (self.more_than, gt), (self.at_most, le), (self.less_than, lt)
        return tuple((bound, holds) for bound, holds in asked if bound is not None)

    def words(self) -> str:
        """Return the bounds in words, such as `at least 3 and less than 10`."""
        return " and ".join(
            phrase.format(self.write(bound))
            for name, phrase in _WORDS.items()
            if (bound := getattr(self, name, None)) is not None
        )

    def write(self, value: object) -> str:
        """Return one value in words."""
        return in_words(value)


class Comparison(Range):
    """What a value must be; all that is given must hold. What is not there is only `is_not` and `exists: false`."""

    equal: Plain | None = Field(default=None, alias="is", description="Exactly this; text with its capitals.")
    differs: Plain | None = Field(default=None, alias="is_not", description="Anything but this, or not there at all.")
    one_of: tuple[Plain, ...] | None = Field(default=None, alias="in", min_length=1, description="One of these.")
    exists: bool | None = Field(default=None, description="Whether it is there at all.")
    contains: Plain | None = Field(default=None, description="A text with this in it, or a list with this among it.")

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if all(getattr(self, name) is None for name in Comparison.model_fields):
            raise ValueError(f"says nothing of the value: add one of {', '.join(_WRITTEN)}")
        return self

    def of(self, value: object) -> bool:
        """Whether the value is what is said of it; None and NaN are not there."""
        if value is not None and value != value:
            value = None
        return (
            self.spans(value)
            and (self.equal is None or same(value, self.equal))
            and (self.differs is None or not same(value, self.differs))
            and (self.one_of is None or any(same(value, each) for each in self.one_of))
            and (self.exists is None or self.exists is (value is not None))
            and (self.contains is None or _contains(value, self.contains))
        )

    def words(self) -> str:
        """Return the comparison in words, to follow `is`."""
        there = {None: [], True: ["known"], False: ["not known"]}[self.exists]
        return " and ".join(filter(None, [super().words(), *there]))


_WRITTEN: Final = [each.alias or name for name, each in Comparison.model_fields.items()]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number that can be compared: true and false are not, nor is NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def same(value: object, other: object) -> bool:
    """Whether two plain values are the same: 1 and 1.0 are, 1 and true are not, nor are 1 and the text `1`."""
    if is_number(value) and is_number(other):
        return value == other
    return type(value) is type(other) and isinstance(value, (str, bool)) and value == other


def in_words(value: object) -> str:
    """Write a value as people do: a text in quotes, a list with commas."""
    if isinstance(value, tuple):
        return ", ".join(map(in_words, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"“{value}”" if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _contains(value: object, sought: object) -> bool:
    if isinstance(value, str):
        return isinstance(sought, str) and sought in value
    return isinstance(value, Iterable) and not isinstance(value, dict) and any(same(each, sought) for each in value)
