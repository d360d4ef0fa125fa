"""What a message adds to the probability of a purchase, by one model or two, as their learner puts them together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from models.calibration import sigmoid
from models.forest import Forest

Floats = npt.NDArray[np.float64]
Learner = Literal["S-learner", "T-learner", "DR-learner"]
Raw = Callable[[Floats], Floats]
"""What a model says of rows, of shape (n,), before it is made a probability."""

MODELS: Final[Mapping[str, int]] = MappingProxyType({"S-learner": 1, "T-learner": 2, "DR-learner": 1})
"""How many models each learner has."""
FURTHER: Final[Mapping[str, int]] = MappingProxyType({"S-learner": 1, "T-learner": 0, "DR-learner": 0})
"""How many columns these look at after what is known: one that says whether there is a message, or none."""


def added(learner: str, models: Sequence[Raw], known: Floats) -> Floats:
    """Return what a message adds, of shape (n,), given what is known, of shape (n, k) (Künzel et al. 2019)."""
    if learner == "S-learner":
        sent, held = (np.column_stack([known, np.full(len(known), each)]) for each in (1.0, 0.0))
        return sigmoid(models[0](sent)) - sigmoid(models[0](held))
    if learner == "T-learner":
        return sigmoid(models[1](known)) - sigmoid(models[0](known))
    return models[0](known)


@dataclass(frozen=True, eq=False)
class UpliftModel:
    """What the message of one trigger adds.

    Attributes:
        name: As registered, such as ``opportune-uplift-warm-cart``.
        version: As registered; empty before that.
        trigger: Whose message.
        horizon: Within which a purchase counts, of the intent that it looks at too.
        learner: How its models are put together.
        forests: Their trees.
        columns: Where in a row of the catalogue the features are that it looks at.
        pays: How much a message has to add to be worth what it costs, at the prices it was judged by.
        lineage: Where it comes from.
    """

    name: str
    version: str
    trigger: str
    horizon: str
    learner: str
    forests: tuple[Forest, ...]
    columns: npt.NDArray[np.intp]
    pays: float
    lineage: dict[str, Any]

    def predict(self, rows: Floats, intents: Floats) -> Floats:
        """Return what a message adds, of shape (n,).

        Args:
            rows: Of the catalogue's features, of shape (n, features of the catalogue).
            intents: The probability of a purchase within the horizon, of shape (n,).
        """
        known = np.column_stack([intents, rows[:, self.columns]])
        return added(self.learner, [each.log_odds for each in self.forests], known)
