"""Exploration as a policy file says it: what a trigger does by chance in a share of its decisions, to learn."""

from datetime import UTC, date, datetime, time
from functools import cached_property
from math import inf
from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator, Field

from features.moments import to_us
from policy.arms import Split, key_of, split, uniform
from policy.block import Block
from policy.quantities import Share, percent

EXPLORED: Final = "explored"
HELD: Final = "held"


class ShareUntil(Block):
    """A share until a day, and another one from then on: much is tried at first, and less once something is known."""

    share: Share = Field(description="So many at first: `10%`.")
    until: date | None = Field(default=None, description="The day, in UTC, from which `then` counts; default: never.")
    then: Share = Field(default=0.0, description="So many from that day on: `5%`.")

    def at(self, moment: int) -> float:
        """Return the share that counts at a moment in microseconds."""
        return self.share if moment < self._ends_us else self.then

    @cached_property
    def _ends_us(self) -> float:
        return inf if self.until is None else to_us(datetime.combine(self.until, time(), UTC))

    def in_words(self) -> str:
        """Return the share in words."""
        return percent(self.share) + ("" if self.until is None else f" until {self.until}, then {percent(self.then)},")


NOTHING: Final = ShareUntil(share=0.0)


def _as_share_until(value: object) -> object:
    return {"share": value} if isinstance(value, (str, int, float)) else value


class Explore(Block):
    """What is done by chance in a share of the decisions; nothing is, unless somebody writes it."""

    below_threshold: Share = Field(
        default=0.0,
        lt=1,
        description="Of the decisions below the threshold, for which all else spoke, so many fire all the same: `5%`.",
    )
    hours: Annotated[ShareUntil, BeforeValidator(_as_share_until, json_schema_input_type=Share | ShareUntil)] = Field(
        default=NOTHING,
        description="Of the messages with `send: best_hour`, so many go out at any hour that is allowed, all hours "
        "with the same chance: `10%`, or `{share: 10%, until: 2026-03-01, then: 5%}`.",
    )


class HourDraw(NamedTuple):
    """Which hour a message was drawn to go out at.

    Attributes:
        probability: Of that hour, whenever it is: of several days, and where clocks are set back, there are two of it.
        explored: Whether chance chose it; else it is the best one.
        eligible: The hours it was drawn from, on the clock of the person's day, each as often as there is one.
    """

    probability: float
    explored: bool
    eligible: tuple[int, ...]


class HourChance(NamedTuple):
    """How a message is drawn away from its best hour.

    Attributes:
        share: Of the messages that chance sends at any hour that is allowed.
        number: What this one drew, in [0, 1).
    """

    share: float
    number: float

    def draw(self, best: int, eligible: tuple[int, ...]) -> tuple[int, HourDraw]:
        """Return the place of an hour among those eligible: any of them with the same chance, or the best one."""
        count = len(eligible)
        explored = self.number < self.share
        found = min(int(self.number / self.share * count), count - 1) if explored else best
        hour = eligible[found]
        probability = self.share * eligible.count(hour) / count + (1.0 - self.share) * (hour == eligible[best])
        return found, HourDraw(probability, explored, eligible)


def hour_chance(trigger: str, share: float, unit: str, at: int) -> HourChance:
    """Return what a user draws for an hour at a moment in microseconds, by a trigger of that name."""
    return HourChance(share, uniform(key_of(f"hours of {trigger}"), decision_unit(unit, at)))


def below_threshold(trigger: str, share: float) -> Split:
    """Return how decisions of a trigger that are below its threshold are drawn; the unit is a decision, not a user."""
    return split(f"below the threshold of {trigger}", {EXPLORED: share, HELD: 1 - share})


def decision_unit(unit: str, at: int) -> str:
    """Return what is drawn for one decision: a user at a moment in microseconds, so that the next one draws anew."""
    return f"{unit} at {at}"
