"""The hold-out of a trigger as a policy file says it: a share, or a share and a salt."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from policy.block import Block
from policy.quantities import Share


class HoldOut(Block):
    """Users who are decided and logged like all others, and get nothing: they show what sending does."""

    share: Share = Field(default=0.1, lt=1, description="How many of the users are held out: `10%`, or `0.1`.")
    salt: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Triggers with the same salt hold out the same users, another draws anew; default: the experiment.",
    )


def _as_hold_out(value: object) -> object:
    return {"share": value} if isinstance(value, (str, int, float)) else value


ShortHoldOut = Annotated[HoldOut, BeforeValidator(_as_hold_out, json_schema_input_type=Share | HoldOut)]
"""A hold-out, or its share alone."""
