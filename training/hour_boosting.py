"""Growing trees that look at a person and an hour: as many as tell best what was held back, then of all there is."""

from collections.abc import Mapping
from typing import Any, Final

import lightgbm as lgb

from models.hour_trees import DIRECTIONS
from training.log import Floats

_LEARNED_FROM: Final = 0.8
"""Share of the groups, the first ones, from which as many trees are grown as tell the others best."""
_PATIENCE: Final = 10
_ALIKE: Final[dict[str, Any]] = {
    "lambda_l2": 20.0,
    "monotone_constraints": list(DIRECTIONS),
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "seed": 0,
}


def grown(parameters: Mapping[str, Any], rows: Floats, told: Floats, start: Floats, *, groups: int, most: int) -> str:
    """Return trees as LightGBM writes them.

    Args:
        parameters: What these trees have of their own.
        rows: What they look at, of shape (n, features); see `models.hour_trees`.
        told: What they are to tell, of shape (n,).
        start: What is said without them, in the raw scores of the objective, of shape (n,).
        groups: Of how many people or sends the rows are, each of as many rows; none is cut in two.
        most: How many trees at most.
    """

    def data(some: slice) -> lgb.Dataset:
        return lgb.Dataset(rows[some], told[some], init_score=start[some])

    cut = int(_LEARNED_FROM * groups) * (len(rows) // groups)
    own, early = {**_ALIKE, **parameters}, lgb.early_stopping(_PATIENCE, verbose=False)
    tried = lgb.train(own, data(slice(cut)), most, valid_sets=[data(slice(cut, None))], callbacks=[early])
    whole = lgb.train(own, data(slice(None)), max(1, tried.best_iteration))
    return whole.model_to_string()
