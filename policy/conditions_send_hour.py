"""A condition on how sure it is which hour of the person's day is the best for a message."""

from functools import cached_property
from typing import Self

from pydantic import Field, model_validator

from policy.block import Block
from policy.comparisons import Range
from policy.quantities import Share, percent
from policy.send_hours import PRIOR_CONFIDENCE
from policy.view import Reads, View


class Confidence(Range):
    """How sure the best hour must be."""

    at_least: Share | None = Field(default=None, description="So sure or surer, such as `50%`.")
    more_than: Share | None = Field(default=None, description="Surer than this.")
    at_most: Share | None = Field(default=None, description="So sure or less.")
    less_than: Share | None = Field(default=None, description="Less sure than this.")

    @model_validator(mode="after")
    def _says_how_sure(self) -> Self:
        if not self.is_bounded:
            raise ValueError(f"does not say how sure: add one of {', '.join(Range.model_fields)}")
        return self

    def write(self, value: object) -> str:
        """Return a confidence as a percentage."""
        return percent(value) if isinstance(value, float) else super().write(value)


class SendHourTest(Block):
    """What must be known of the best hour of the person's day."""

    confidence: Confidence = Field(
        description="How sure the best hour is, from 0 to 1: 0 for everybody until a model of send hours is in service."
    )

    def holds(self, view: View) -> bool:
        """Whether the best hour is as sure as asked."""
        return self.confidence.spans(view.send_hour_confidence())

    def sentence(self) -> str:
        """Return the condition in words."""
        return f"the best hour of their day is sure by {self.confidence.words()}"

    @property
    def needs_a_model(self) -> bool:
        """Whether it cannot hold as long as only the prior answers."""
        return not self.confidence.spans(PRIOR_CONFIDENCE)

    @cached_property
    def reads(self) -> Reads:
        """What is known of the best hour."""
        return Reads(send_hour=True)
