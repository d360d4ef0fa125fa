"""A condition on the learned segment that a person is in: by their orders (RFM), or by their behaviour (clusters)."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from models.learned_segments import CLUSTERS, RFM, RFM_NAMES
from policy.block import Block
from policy.names import Name
from policy.view import Reads, View

MOST: Final = 10
"""Segments that one trigger may name."""


def _known(name: str) -> str:
    if name not in RFM_NAMES:
        nearest = get_close_matches(name, RFM_NAMES, n=1)
        known = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(RFM_NAMES)}"
        raise ValueError(f"is no segment of rfm; {known}")
    return name


RfmName = Annotated[Name, AfterValidator(_known), Field(json_schema_extra={"enum": [*RFM_NAMES]})]
Rfm = Annotated[tuple[RfmName, ...], Field(min_length=1, max_length=MOST)]
Clusters = Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST)]


class LearnedTest(Block):
    """Which learned segment the person must be in: one of those named."""

    rfm: Rfm | None = Field(
        default=None, description="By recency, frequency and value of their orders, such as `champions`."
    )
    clusters: Clusters | None = Field(
        default=None,
        description="By behaviour; the report of `make retrain` has the names. Nobody is in one that is gone.",
    )

    @model_validator(mode="after")
    def _is_one_family(self) -> Self:
        if (self.rfm is None) is (self.clusters is None):
            raise ValueError("names segments of one family: rfm, or clusters")
        return self

    @property
    def family(self) -> str:
        """Which family is asked for."""
        return CLUSTERS if self.rfm is None else RFM

    @property
    def names(self) -> tuple[str, ...]:
        """The segments, one of which it must be."""
        return self.rfm or self.clusters or ()

    def holds(self, view: View) -> bool:
        """Whether the person is in one of them; nobody is, as long as none were learned."""
        return view.learned(self.family) in self.names

    def sentence(self) -> str:
        """Return the condition in words."""
        by = "their orders" if self.family == RFM else "their behaviour"
        return f"they are, by {by}, one of: {', '.join(self.names)}"

    @cached_property
    def reads(self) -> Reads:
        """The learned segments that it names."""
        return Reads(learned=frozenset(f"{self.family}/{name}" for name in self.names))


def check_few(trigger: str, reads: Iterable[Reads]) -> None:
    """Raise ValueError where the conditions of a trigger name too many segments, by rule and learned together."""
    named = frozenset[str]().union(*(each.segments | each.learned for each in reads))
    if len(named) > MOST:
        raise ValueError(f"triggers: {trigger} names {len(named)} segments, and {MOST} are the most that one may name")
