"""Going by what a message adds to the probability of a purchase, rather than by that probability alone."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator

from policy.quantities import WrittenShare, read_share

AUTO: Final = "auto"


class Uplift(NamedTuple):
    """What a message of one trigger is likely to change for one person at one moment.

    Attributes:
        adds: To the probability of a purchase, within [-1, 1].
        pays: From how much on that is worth what the message costs, at the prices the model was judged by.
    """

    adds: float
    pays: float


Uplifts = Mapping[str, Uplift]
"""By the trigger's name; of a trigger whose uplift no model in service tells there is none."""


def _read(said: object) -> object:
    if said == AUTO:
        return said
    found = read_share(said) if not isinstance(said, str) or said.strip().endswith("%") else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= 1:
        raise ValueError("must be `auto`, or a percentage from 0 % to 100 % such as 0.5%")
    return float(found)


AddsAtLeast = Annotated[
    float | Literal["auto"], BeforeValidator(_read, json_schema_input_type=WrittenShare | Literal["auto"])
]
"""What a message has to add to the probability of a purchase; `auto`: as much as pays for it."""


def needed(said: Any, found: Uplift) -> float:
    """Return what a message has to add, of a trigger that says `said`."""
    return found.pays if said == AUTO else float(said)


def check_uplift(*, goes_by_uplift: bool, transactional: bool, has_steps: bool) -> None:
    """Refuse uplift of what asks for no score, and of a sequence.

    Raises:
        ValueError: One of these is there.
    """
    if goes_by_uplift and transactional:
        raise ValueError("uplift is not for transactional messages: they ask for no score")
    if goes_by_uplift and has_steps:
        raise ValueError("uplift and steps exclude each other: nothing tells what a second message adds")
