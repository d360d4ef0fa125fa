"""Tests that stand beside a trigger in the policy file: what happens to one person, and what it must decide then."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from features.moments import to_us
from features.moments import zone as zone_of
from policy.block import Block
from policy.hours import TimeOfDay, Zone
from policy.quantities import Duration, Horizon, Share
from policy.reasons import Action, Reason

EVERY_HORIZON: Final = "every"


def _by_horizon(value: object) -> object:
    return value if isinstance(value, Mapping) else {EVERY_HORIZON: value}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


def _as_channels(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("must hold one at least")
    return value


Intent = Annotated[
    dict[Horizon | Literal["every"], Share],
    BeforeValidator(_by_horizon, json_schema_input_type=dict[str, Share] | Share),
]


class Happening(BaseModel):
    """Something that the person does; what else is said of it are the event's properties."""

    model_config = ConfigDict(extra="allow", frozen=True)

    event: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Any name of an event, or `identify`, which tells traits and whose `visitor` this was."
    )
    at: Duration = Field(description="How long after the beginning: `0 min`, `2h`. Listed in the order of arrival.")
    visitor: str | None = Field(default=None, description="An anonymous id: whose event it is until an `identify`.")

    @property
    def properties(self) -> dict[str, Any]:
        """What is said besides."""
        return dict(self.model_extra or {})


class Expectation(Block):
    """What the trigger must decide at a moment."""

    at: Duration = Field(description="How long after the beginning, to the second.")
    action: Action | None = Field(default=None, description="`send`, `control` or `hold`.")
    reason: Reason | None = Field(default=None, description="Why, as docs/reasons.md lists it.")
    step: int | None = Field(default=None, ge=0, description="At which step of a sequence; 0 is the trigger itself.")
    channels: Annotated[
        tuple[str, ...] | None, BeforeValidator(_as_channels, json_schema_input_type=str | tuple[str, ...])
    ] = Field(default=None, description="On which channels: `email`, or `[email, push]`.")

    def is_met_by(self, action: str, reason: str, step: int, channels: tuple[str, ...]) -> bool:
        """Whether a decision is what is expected."""
        return (
            self.action in (None, action)
            and self.reason in (None, reason)
            and self.step in (None, step)
            and self.channels in (None, channels)
        )

    def words(self) -> str:
        """Return what is expected, in words."""
        said = [each.value for each in (self.action, self.reason) if each is not None] or ["any decision"]
        said += [] if self.step is None else [f"at step {self.step}"]
        said += [] if self.channels is None else [f"by {' and '.join(self.channels)}"]
        return ", ".join(said)


class TriggerTest(Block):
    """What happens to one person, and what the trigger must decide; whatever it sends besides is a failure."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="What is shown, in a few words.")
    intent: Intent = Field(
        default={EVERY_HORIZON: 1.0},
        description="How likely a purchase is all the time: `30%`, or `{24h: 30%, 7d: 50%}`; default: certain.",
    )
    given: Annotated[tuple[Happening, ...], AfterValidator(_not_empty)] = Field(
        description="What happens, in the order of arrival."
    )
    expect: Annotated[
        tuple[Expectation, ...],
        BeforeValidator(_as_list, json_schema_input_type=Expectation | tuple[Expectation, ...]),
    ] = Field(description="What is decided when; an empty list: nothing is sent.")
    start: TimeOfDay = Field(default=time(12), description="Time of day there at the beginning, such as `21:30`.")
    day: date = Field(default=date(2024, 5, 15), description="The day of the beginning; a Wednesday unless said.")
    zone: Zone | None = Field(default=None, description="Where the person lives; not known unless said.")
    traits: dict[str, Any] = Field(default={}, description="What is known of the person: `{email: ada@example.org}`.")
    consents: dict[str, bool] = Field(default={}, description="What they said before: `{marketing: true}`.")
    user: str = Field(default="ada", min_length=1, description="The person's id, which decides who is held out.")
    hold_out: bool = Field(default=False, description="Whether the trigger's hold-out counts; nobody is held out else.")

    @property
    def starts_at(self) -> int:
        """The beginning, in microseconds."""
        began = datetime.combine(self.day, self.start, tzinfo=(zone_of(self.zone) if self.zone else None) or UTC)
        return to_us(began)

    def probabilities(self, horizons: frozenset[str]) -> dict[str, float]:
        """Return the probability for each horizon; without one, there is no answer (NaN)."""
        nan = float("nan")
        return {each: self.intent.get(each, self.intent.get(EVERY_HORIZON, nan)) for each in sorted(horizons)}
