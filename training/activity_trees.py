"""LightGBM on top of the profile of hours: (person, hour), tried each time, kept where it tells later days better.

A Poisson model of each hour's share of what a person did later, begun from what the profile says, so that without a
single split nothing is changed; normalised over the day again by whoever reads it.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.hour_trees import DIRECTIONS
from models.send_hour import SendHourModel
from training.evaluate import upper_bound
from training.habits import Habits
from training.send_hour_judge import losses

LEAST_PEOPLE: Final = 500
"""Who came back; of fewer nothing is learned."""
MOST_PEOPLE: Final = 10_000
"""More take longer and tell no more; drawn evenly."""
_LEARNED_FROM: Final = 0.8
"""Share of the people from whom as many trees are grown as tell the others best."""
_MOST_ROUNDS, _PATIENCE = 100, 10
_PARAMETERS: Final[dict[str, Any]] = {
    "objective": "poisson",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 500,
    "min_sum_hessian_in_leaf": 1e-3,
    "lambda_l2": 20.0,
    "monotone_constraints": list(DIRECTIONS),
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "seed": 0,
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


def grow(model: SendHourModel, people: Habits, *, seed: int = 0) -> SendHourModel:
    """Return a model with trees that learned from what these people did later than they were known by."""
    drawn = np.random.default_rng(seed).permutation(len(people))[:MOST_PEOPLE]
    part = people.where(drawn)
    there = model.predict(part.histories)
    rows = model.shown(part.histories, there).reshape(len(part), there.shape[1], -1)
    shares, cut = part.later / part.later.sum(axis=1, keepdims=True), int(_LEARNED_FROM * len(part))

    def data(some: slice) -> lgb.Dataset:
        return lgb.Dataset(
            rows[some].reshape(-1, rows.shape[2]), shares[some].ravel(), init_score=np.log(there[some]).ravel()
        )

    early = lgb.early_stopping(_PATIENCE, verbose=False)
    learn, stop = data(slice(cut)), data(slice(cut, None))
    tried = lgb.train(_PARAMETERS, learn, _MOST_ROUNDS, valid_sets=[stop], callbacks=[early])
    whole = lgb.train(_PARAMETERS, data(slice(None)), max(1, tried.best_iteration))
    return replace(model, text=whole.model_to_string())


def try_trees(plain: SendHourModel, earlier: Habits, people: Habits) -> TreesTried:
    """Return whether trees are kept: where they were surely (95 %, by person) better than the profile alone.

    Args:
        plain: The profile, without trees.
        earlier: Those who came back, by whom the trees learn.
        people: Those by whom both are judged.
    """
    if len(earlier) < LEAST_PEOPLE:
        return TreesTried(f"the profile: {len(earlier):,} people came back, and trees need {LEAST_PEOPLE:,}")
    grown = grow(plain, earlier)
    one, other = (losses(each.predict(people.histories), people.later) for each in (grown, plain))
    worst = upper_bound(one - other, people.user)
    better = worst < 0.0
    words = f"log-loss {one.mean():.4f} against {other.mean():.4f} by the profile alone, {worst:+.4f} at worst"
    reason = f"trees: surely better, {words}" if better else f"the profile: trees are not surely better, {words}"
    return TreesTried(reason, grown, better)
