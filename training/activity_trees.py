"""LightGBM on top of the profile of hours: (person, hour), tried each time, kept where it tells later days better.

A Poisson model of each hour's share of what a person did later, begun from what the profile says, so that without a
single split nothing is changed; normalised over the day again by whoever reads it.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from models.send_hour import SendHourModel
from training.evaluate import upper_bound
from training.habits import Habits
from training.hour_boosting import grown
from training.send_hour_judge import losses

LEAST_PEOPLE: Final = 500
"""Who came back; of fewer nothing is learned."""
MOST_PEOPLE: Final = 10_000
"""More take longer and tell no more; drawn evenly."""
_MOST_TREES: Final = 100
_PARAMETERS: Final[dict[str, Any]] = {
    "objective": "poisson",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 500,
    "min_sum_hessian_in_leaf": 1e-3,
}


@dataclass(frozen=True)
class TreesTried:
    """What trees came to.

    Attributes:
        reason: Why they are in the model, or not.
        model: The profile with trees; None where too few people came back.
        kept: Whether they are in the model.
    """

    reason: str
    model: SendHourModel | None = None
    kept: bool = False


def grow(model: SendHourModel, people: Habits) -> SendHourModel:
    """Return a model with trees that learned from what these people did later than they were known by."""
    drawn = np.random.default_rng(0).permutation(len(people))[:MOST_PEOPLE]
    part = people.where(drawn)
    there = model.predict(part.histories)
    rows = model.shown(part.histories, there)
    shares = (part.later / part.later.sum(axis=1, keepdims=True)).ravel()
    text = grown(_PARAMETERS, rows, shares, np.log(there).ravel(), groups=len(part), most=_MOST_TREES)
    return replace(model, text=text)


def try_trees(plain: SendHourModel, earlier: Habits, people: Habits) -> TreesTried:
    """Return whether trees are kept: where they were surely (95 %, by person) better than the profile alone.

    Args:
        plain: The profile, without trees.
        earlier: Those who came back, by whom the trees learn.
        people: Those by whom both are judged.
    """
    if len(earlier) < LEAST_PEOPLE:
        return TreesTried(f"the profile: {len(earlier):,} people came back, and trees need {LEAST_PEOPLE:,}")
    trees = grow(plain, earlier)
    one, other = (losses(each.predict(people.histories), people.later) for each in (trees, plain))
    worst = upper_bound(one - other, people.user)
    better = worst < 0.0
    words = f"log-loss {one.mean():.4f} against {other.mean():.4f} by the profile alone, {worst:+.4f} at worst"
    reason = f"trees: surely better, {words}" if better else f"the profile: trees are not surely better, {words}"
    return TreesTried(reason, trees, better)
