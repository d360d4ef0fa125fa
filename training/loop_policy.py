"""What may be sent in a made-up shop: a model in service, thresholds of two triggers, and what chance does to them."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.calibration import Calibrator
from training.world import Bools, Floats

NOBODY = float("inf")
"""A threshold that nothing reaches."""


@dataclass(frozen=True)
class Scorer:
    """A model in service: a booster, the columns it reads, its calibrator."""

    version: int
    booster: lgb.Booster
    columns: tuple[int, ...]
    calibrator: Calibrator

    def predict(self, features: Floats) -> Floats:
        """Return the probability of an order, of shape (n,)."""
        raw = self.booster.predict(features[:, self.columns], raw_score=True, num_threads=1)
        return self.calibrator(np.asarray(raw, dtype=np.float64))


@dataclass(frozen=True)
class LoopPolicy:
    """What is sent half an hour after a visit: two triggers, each with its threshold.

    Attributes:
        cart: Threshold where something was put into the cart; 0 for "always", which asks no model.
        browse: Threshold of all other visits; infinite for "never", and 0 likewise.
    """

    cart: float = 0.0
    browse: float = NOBODY

    def wants(self, carted: Bools, score: Floats) -> Bools:
        """Return where it would write, of shape (n,); a score may be NaN where there is no model yet."""
        cart, browse = ((score >= each) | (each == 0.0) for each in (self.cart, self.browse))
        return np.where(carted, cart, browse)

    @property
    def in_words(self) -> str:
        """Return whom it writes to."""
        return f"after a cart {_whom(self.cart)}, after other visits {_whom(self.browse)}"


def _whom(threshold: float) -> str:
    if threshold == 0.0:
        return "everybody"
    return "nobody" if threshold == NOBODY else f"from {threshold:.1%} on"


CART_RULE = LoopPolicy()
EVERY_VISIT = LoopPolicy(0.0, 0.0)
NO_MESSAGES = LoopPolicy(NOBODY, NOBODY)


@dataclass(frozen=True)
class Trial:
    """What chance does to a policy in force.

    Attributes:
        hold_out: Share of the people who get nothing, for comparison.
        exploration: Share of the decisions that write although the policy would not.
    """

    hold_out: float = 0.0
    exploration: float = 0.0


NO_TRIAL = Trial()
