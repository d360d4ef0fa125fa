"""Exploration as a policy file says it: what a trigger does by chance in a share of its decisions, to learn."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from policy.arms import Split, split
from policy.quantities import Share

EXPLORED: Final = "explored"
HELD: Final = "held"


class Explore(BaseModel):
    """What is done by chance in a share of the decisions; nothing is, unless somebody writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below_threshold: Share = Field(
        default=0.0,
        lt=1,
        description="Of the decisions below the threshold, for which all else spoke, so many fire all the same: `5%`.",
    )


def below_threshold(trigger: str, share: float) -> Split:
    """Return how decisions of a trigger that are below its threshold are drawn; the unit is a decision, not a user."""
    return split(f"below the threshold of {trigger}", {EXPLORED: share, HELD: 1 - share})


def decision_unit(unit: str, at: int) -> str:
    """Return what is drawn for one decision: a user at a moment in microseconds, so that the next one draws anew."""
    return f"{unit} at {at}"
