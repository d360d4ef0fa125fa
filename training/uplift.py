"""Learners of uplift, by how much a message changes the probability of an outcome, on LightGBM (Künzel et al. 2019)."""

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np

from training.decisions import Bools, Floats, Ints
from training.off_policy import FOLDS, folds

TREES = 60
PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 200,
    "lambda_l2": 20.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "seed": 0,
}

Learner = Callable[[Floats, Bools, Bools, float, Floats], Floats]
"""Takes what is known (n, k), who was treated, what came of it, and the chance of treatment; returns the uplift of
each row of the last argument (m, k), in probability, of shape (m,)."""


def s_learner(known: Floats, treated: Bools, outcome: Bools, _chance: float, asked: Floats) -> Floats:
    """Return the uplift by one model that knows the treatment as a feature."""
    model = _fit(np.column_stack([known, treated]), outcome)
    with_it, without = (np.column_stack([asked, np.full(len(asked), each)]) for each in (1.0, 0.0))
    return _of(model, with_it) - _of(model, without)


def t_learner(known: Floats, treated: Bools, outcome: Bools, _chance: float, asked: Floats) -> Floats:
    """Return the uplift as the difference of two models, one for each arm."""
    return _of(_fit(known[treated], outcome[treated]), asked) - _of(_fit(known[~treated], outcome[~treated]), asked)


def dr_learner(known: Floats, treated: Bools, outcome: Bools, chance: float, asked: Floats) -> Floats:
    """Return the uplift by a model of doubly robust pseudo-outcomes, in two cross-fitted halves (Kennedy 2023)."""
    half = np.random.default_rng(0).permutation(len(known)) % 2 == 0
    pseudo = np.empty(len(known))
    for learned, judged in ((half, ~half), (~half, half)):
        held, sent = (
            _of(_fit(known[at], outcome[at]), known[judged]) for at in (learned & ~treated, learned & treated)
        )
        acted = treated[judged]
        weight = np.where(acted, 1.0 / chance, -1.0 / (1.0 - chance))
        pseudo[judged] = sent - held + weight * (outcome[judged] - np.where(acted, sent, held))
    model = lgb.train({**PARAMETERS, "objective": "regression"}, lgb.Dataset(known, pseudo), TREES)
    return np.asarray(model.predict(asked, num_threads=1), dtype=np.float64)


LEARNERS: dict[str, Learner] = {"S-learner": s_learner, "T-learner": t_learner, "DR-learner": dr_learner}


def cross_fitted(
    learner: Learner, known: Floats, treated: Bools, outcome: Bools, user: Ints, *, chance: float, seed: int = 0
) -> Floats:
    """Return the uplift of each row, of shape (n,), by models that never saw its person."""
    fold, found = folds(user, seed), np.empty(len(known))
    for held_out in range(FOLDS):
        learned, judged = fold != held_out, fold == held_out
        found[judged] = learner(known[learned], treated[learned], outcome[learned], chance, known[judged])
    return found


def response(known: Floats, treated: Bools, outcome: Bools, _chance: float, asked: Floats) -> Floats:
    """Return the probability of the outcome without treatment: what propensity ranks by, where there is no score."""
    return _of(_fit(known[~treated], outcome[~treated]), asked)


def _fit(known: Floats, outcome: Bools) -> lgb.Booster:
    return lgb.train({**PARAMETERS, "objective": "binary"}, lgb.Dataset(known, outcome.astype(np.float64)), TREES)


def _of(model: lgb.Booster, known: Floats) -> Floats:
    return np.asarray(model.predict(known, num_threads=1), dtype=np.float64)
