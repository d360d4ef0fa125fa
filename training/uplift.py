"""Learners of uplift, by how much a message changes the probability of an outcome, on LightGBM (Künzel et al. 2019)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np

from models.calibration import sigmoid
from models.uplift import Learner, added
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

Adds = Callable[[Floats], Floats]
"""What a message adds in each row of what is known, of shape (n, k), in probability, of shape (n,)."""
Fit = Callable[[Floats, Bools, Bools, float], Adds]
"""Takes what is known (n, k), who was treated, what came of it, and the chance of treatment."""


@dataclass(frozen=True)
class Fitted:
    """What one learner made of a log."""

    learner: Learner
    boosters: tuple[lgb.Booster, ...]

    def __call__(self, known: Floats) -> Floats:
        """Return what a message adds in each row, of shape (n,)."""
        return added(self.learner, [partial(_raw, each) for each in self.boosters], known)

    @property
    def texts(self) -> list[str]:
        """Its models, as LightGBM writes them."""
        return [each.model_to_string() for each in self.boosters]


def s_learner(known: Floats, treated: Bools, outcome: Bools, _chance: float) -> Fitted:
    """Return the uplift by one model that knows the treatment as a feature, its last one."""
    return Fitted("S-learner", (_fit(np.column_stack([known, treated]), outcome),))


def t_learner(known: Floats, treated: Bools, outcome: Bools, _chance: float) -> Fitted:
    """Return the uplift as the difference of two models, of those held and of those treated."""
    return Fitted("T-learner", tuple(_fit(known[arm], outcome[arm]) for arm in (~treated, treated)))


def dr_learner(known: Floats, treated: Bools, outcome: Bools, chance: float) -> Fitted:
    """Return the uplift by a model of doubly robust pseudo-outcomes, in two cross-fitted halves (Kennedy 2023)."""
    half = np.random.default_rng(0).permutation(len(known)) % 2 == 0
    pseudo = np.empty(len(known))
    for learned, judged in ((half, ~half), (~half, half)):
        held, sent = (
            sigmoid(_raw(_fit(known[at], outcome[at]), known[judged])) for at in (learned & ~treated, learned & treated)
        )
        acted = treated[judged]
        weight = np.where(acted, 1.0 / chance, -1.0 / (1.0 - chance))
        pseudo[judged] = sent - held + weight * (outcome[judged] - np.where(acted, sent, held))
    model = lgb.train({**PARAMETERS, "objective": "regression"}, lgb.Dataset(known, pseudo), TREES)
    return Fitted("DR-learner", (model,))


LEARNERS: dict[Learner, Callable[[Floats, Bools, Bools, float], Fitted]] = {
    "S-learner": s_learner,
    "T-learner": t_learner,
    "DR-learner": dr_learner,
}


def cross_fitted(
    fit: Fit, known: Floats, treated: Bools, outcome: Bools, user: Ints, *, chance: float, seed: int = 0
) -> Floats:
    """Return the uplift of each row, of shape (n,), by models that never saw its person."""
    fold, found = folds(user, seed), np.empty(len(known))
    for held_out in range(FOLDS):
        learned, judged = fold != held_out, fold == held_out
        found[judged] = fit(known[learned], treated[learned], outcome[learned], chance)(known[judged])
    return found


def response(known: Floats, treated: Bools, outcome: Bools, _chance: float) -> Adds:
    """Return the probability of the outcome without treatment: what propensity ranks by, where there is no score."""
    model = _fit(known[~treated], outcome[~treated])
    return lambda asked: sigmoid(_raw(model, asked))


def _fit(known: Floats, outcome: Bools) -> lgb.Booster:
    return lgb.train({**PARAMETERS, "objective": "binary"}, lgb.Dataset(known, outcome.astype(np.float64)), TREES)


def _raw(model: lgb.Booster, known: Floats) -> Floats:
    return np.asarray(model.predict(known, raw_score=True, num_threads=1), dtype=np.float64)
