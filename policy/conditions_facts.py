"""Conditions on what is known at the moment of the question: the asking event, features, intent, the profile."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StrictInt, ValidationInfo, model_validator

from features.catalog import CATALOGUE
from policy.comparisons import Comparison, Range
from policy.quantities import Horizon, Share, percent
from policy.view import Reads, View

Tenth = Annotated[StrictInt, Field(ge=1, le=10)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


def _known_feature(name: str, info: ValidationInfo) -> str:
    names = (info.context or {}).get("features", CATALOGUE.names)
    if name not in names:
        nearest = get_close_matches(name, names, n=1)
        known = f"did you mean {nearest[0]}?" if nearest else "docs/features.md lists them all"
        raise ValueError(f"is not a feature of the catalogue; {known}")
    return name


class PropertyTest(Comparison):
    """What a property of an event must be."""

    named: Text = Field(alias="property", description="A property of the event, such as `price`.")

    def allows(self, properties: Mapping[str, Any]) -> bool:
        """Whether the properties of an event are as asked."""
        return self.of(properties.get(self.named))

    def words(self) -> str:
        """Return the property and the comparison, such as `price is at least 20`."""
        return f"{self.named} is {super().words()}"


class EventTest(PropertyTest):
    """What a property of the asking event must be."""

    def holds(self, view: View) -> bool:
        """Whether there is an asking event whose property is as asked."""
        return view.event is not None and self.allows(view.event.properties)

    def sentence(self) -> str:
        """Return the condition in words."""
        return f"the event's {self.words()}"

    @cached_property
    def reads(self) -> Reads:
        """Nothing but the asking event."""
        return Reads(asking=True)


class FeatureTest(Comparison):
    """What a feature must be at that moment."""

    name: Annotated[str, AfterValidator(_known_feature)] = Field(
        description="A feature of docs/features.md.", json_schema_extra={"enum": [*CATALOGUE.names]}
    )

    def holds(self, view: View) -> bool:
        """Whether the feature is as asked; one without an answer is only ever `is_not` and `exists: false`."""
        return self.of(view.feature(self.name))

    def sentence(self) -> str:
        """Return the condition in words."""
        return f"{self.name} is {self.words()}"

    @cached_property
    def reads(self) -> Reads:
        """The feature."""
        return Reads(features=frozenset({self.name}))


class Decile(Range):
    """Which tenth it must be in."""

    at_least: Tenth | None = Field(default=None, description="This tenth or a likelier one: `9`.")
    more_than: Tenth | None = Field(default=None, description="A likelier tenth than this.")
    at_most: Tenth | None = Field(default=None, description="This tenth or a less likely one.")
    less_than: Tenth | None = Field(default=None, description="A less likely tenth than this.")

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.is_bounded:
            raise ValueError(f"does not say which: add one of {', '.join(Range.model_fields)}")
        return self


class IntentTest(Range):
    """How likely a purchase within a horizon must be."""

    horizon: Horizon = Field(default="24h", description="Which purchase probability to look at: `24h`, `7d`, …")
    at_least: Share | None = Field(default=None, description="This or more, such as `25%`.")
    more_than: Share | None = Field(default=None, description="More than this.")
    at_most: Share | None = Field(default=None, description="This or less.")
    less_than: Share | None = Field(default=None, description="Less than this.")
    decile: Decile | None = Field(
        default=None,
        description="Which tenth of the moments that the model was tested on it would be in: 10 is the likeliest.",
    )

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if not self.is_bounded and self.decile is None:
            raise ValueError(f"says nothing of the probability: add one of {', '.join(Range.model_fields)}, decile")
        return self

    def holds(self, view: View) -> bool:
        """Whether there is a probability within the bounds; of a model that knows no deciles, none has one."""
        return self.spans(view.intent(self.horizon)) and (
            self.decile is None or self.decile.spans(view.decile(self.horizon))
        )

    def sentence(self) -> str:
        """Return the condition in words."""
        bounded = [f"is {self.words()}"] if self.is_bounded else []
        decile = [f"is in a tenth of {self.decile.words()} of 10"] if self.decile is not None else []
        return f"the chance of a purchase within {self.horizon} {' and '.join([*bounded, *decile])}"

    def write(self, value: object) -> str:
        """Return a probability as a percentage."""
        return percent(value) if isinstance(value, float) else super().write(value)

    @cached_property
    def reads(self) -> Reads:
        """The horizon's probability."""
        return Reads(intents=frozenset({self.horizon}))


class ProfileTest(Comparison):
    """What a field of the person's profile must be."""

    field: Text = Field(description="A field of the profile, such as `loyalty_tier`.")

    def holds(self, view: View) -> bool:
        """Whether the field is as asked."""
        return self.of(view.profile(self.field))

    def sentence(self) -> str:
        """Return the condition in words."""
        return f"the person's {self.field} is {self.words()}"

    @cached_property
    def reads(self) -> Reads:
        """The field."""
        return Reads(profile=frozenset({self.field}))
