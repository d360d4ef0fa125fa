"""The steps of a sequence as a policy file says them, and what is asked and done at each of them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, Field, JsonValue

from policy.block import Block
from policy.channels import Channels, Route, route
from policy.codes import Codes
from policy.conditions import Condition, When
from policy.names import Name
from policy.quantities import Duration, Share, microseconds
from policy.view import View

LARGEST_CONTENT: Final = 8_000
"""Bytes of JSON; the whole message has to stay below 20 kB."""


def _small_enough(content: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    if size > LARGEST_CONTENT:
        raise ValueError(f"holds {size} bytes as JSON, and may hold {LARGEST_CONTENT}")
    return content


Content = Annotated[dict[str, JsonValue], AfterValidator(_small_enough)]
"""What the message says: templates (`policy.templates`), or any fields that a webhook's receiver is handed."""


class Branch(Block):
    """One way that a step can go."""

    when: When = Field(description="The way is taken if this holds, and nothing above it did.")
    channel: Channels | None = Field(default=None, description="Default: that of the step.")
    endpoint: Name | None = Field(default=None, description="Default: that of the step.")
    content: Content | None = Field(default=None, description="Default: that of the step.")


class Step(Block):
    """One more message of a sequence, some time after the one before."""

    after: Duration = Field(gt=timedelta(0), description="How long after the decision of the step before: `24h`.")
    when: When | None = Field(default=None, description="Send only if this holds; else the next step has its turn.")
    threshold: Share | None = Field(default=None, description="The probability needed; default: that of the trigger.")
    channel: Channels | None = Field(default=None, description="Default: that of the trigger.")
    endpoint: Name | None = Field(default=None, description="Default: that of the trigger.")
    content: Content | None = Field(default=None, description="Default: that of the trigger.")
    codes: Codes | None = Field(
        default=None, description="From which pool its message carries a code; default: that of the trigger."
    )
    branches: tuple[Branch, ...] = Field(
        default=(), description="Ways to go, of which the first whose `when` holds is taken; none: nothing is sent."
    )

    @cached_property
    def after_us(self) -> int:
        """How long after the step before, in microseconds."""
        return microseconds(self.after)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions in it."""
        own = () if self.when is None else (self.when,)
        return own + tuple(each.when for each in self.branches)


class Plan(NamedTuple):
    """What is asked and done at one step; step 0 is the trigger itself.

    Attributes:
        threshold: The probability that is needed.
        when: What must hold besides.
        route: Where the message goes.
        branches: Other routes, each where its condition holds, in order; where there are any, one has to be taken.
        codes: From which pool the message carries a code; None where it carries none.
    """

    threshold: float
    when: Condition | None
    route: Route
    branches: tuple[tuple[Condition, Route], ...] = ()
    codes: Codes | None = None

    def choose(self, view: View | None) -> Route | None:
        """Return the route that is taken; None where no branch is."""
        if not self.branches:
            return self.route
        return next((route for when, route in self.branches if view is not None and when.holds(view)), None)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route that may be taken."""
        return tuple(each for _, each in self.branches) or (self.route,)


def plans(
    threshold: float, when: Condition | None, own: Route, steps: Sequence[Step], codes: Codes | None = None
) -> tuple[Plan, ...]:
    """Return what is asked and done at each step; the first, the trigger's own, fills in what others leave unsaid."""
    first = Plan(threshold, when, own, codes=codes)
    return first, *(_plan(each, first) for each in steps)


def _plan(step: Step, first: Plan) -> Plan:
    mine = _route(step, first.route)
    branches = tuple((each.when, _route(each, mine)) for each in step.branches)
    threshold = first.threshold if step.threshold is None else step.threshold
    return Plan(threshold, step.when, mine, branches, first.codes if step.codes is None else step.codes)


def _route(said: Step | Branch, unsaid: Route) -> Route:
    """Return where a step or branch sends, what it leaves unsaid taken from `unsaid`."""
    endpoint = unsaid.endpoint if said.endpoint is None else said.endpoint
    content = unsaid.content if said.content is None else said.content
    if said.channel is None:
        return unsaid._replace(endpoint=endpoint, content=content)
    return route(said.channel, endpoint, content)
