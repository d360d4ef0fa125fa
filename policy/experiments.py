"""What is planned for an experiment before anybody looks at it; decides nothing, and is what its report holds to."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StrictInt

from policy.assignment import EVERYBODY
from policy.block import Block
from policy.names import Name, check_differ
from policy.quantities import Duration, Share, horizon_length, in_words
from policy.triggers import Trigger


class Experiment(Block):
    """The plan of one experiment: when it is over, how often it is looked at, what it must not cost."""

    name: Name = Field(description="Of the experiment: what its triggers say, or the name of a trigger that says none.")
    users: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None,
        description="How many users, of all arms together, it takes; default: what shows `effect` in four of five.",
    )
    effect: Share = Field(
        default=0.2, gt=0, description="The change of the conversion rate that is worth noticing, as a share of it."
    )
    window: Duration | None = Field(
        default=None, description="How long an order counts after the message; default: the shortest horizon."
    )
    control: Name | None = Field(
        default=None, description="The arm that all others are compared with; default: whoever is held out."
    )
    looks: Annotated[StrictInt, Field(ge=1, le=30)] = Field(
        default=30, description="How often it is looked at, at most, until all users are there."
    )
    revenue_cap: float | None = Field(
        default=None,
        gt=0,
        description="What one user's revenue counts at most; default: what 99 in 100 buyers stay below.",
    )
    unsubscribed: Share = Field(default=0.01, description="By how much the share of users who unsubscribe may rise.")
    complained: Share = Field(default=0.001, description="The same for those who complain.")


Experiments = tuple[Experiment, ...]


def check_planned(experiments: Experiments, triggers: Iterable[Trigger]) -> None:
    """Refuse plans for what no trigger is part of, two plans for one experiment, and windows nobody looks at.

    Raises:
        ValueError: One of these is there.
    """
    check_differ((each.name for each in experiments), "experiments", "experiments")
    horizons: dict[str, list[timedelta]] = {each.name: [] for each in experiments}
    for trigger in triggers:
        with_everybody = (EVERYBODY,) if trigger.shared.everybody is not None else ()
        for name in horizons.keys() & {trigger.experiment_name, *with_everybody}:
            horizons[name].append(horizon_length(trigger.horizon))
    for each in experiments:
        if not horizons[each.name]:
            raise ValueError(f"experiments: no trigger is part of {each.name}")
        longest = min(horizons[each.name])
        if each.window is not None and each.window > longest:
            raise ValueError(
                f"experiments: {each.name} counts orders within {in_words(each.window)}, "
                f"and its triggers attribute them within {in_words(longest)}"
            )
