"""Trees that look at a person and an hour of their day: what they are shown."""

from typing import Final

import numpy as np
import numpy.typing as npt

from models.circle import HOURS
from models.forest import Forest, sound

Floats = npt.NDArray[np.float64]

FEATURES: Final = ("activity", "activity_beside", "activity_to_best", "known", "hour_sin", "hour_cos")
"""What they look at; `known` is what else is known of the person and the hour, other for each use."""
DIRECTIONS: Final = (1, 0, 1, 0, 0, 0)
"""Of each: whether more of it may only make the hour better."""
_ANGLES: Final = 2.0 * np.pi * np.arange(HOURS) / HOURS


def read_trees(text: str) -> Forest | None:
    """Return the trees of a text as LightGBM writes it; None of an empty one.

    Raises:
        NotSound: They cannot be walked safely.
        NotWalkable: The text is no model, or one of another kind.
    """
    if not text:
        return None
    return sound(text, len(FEATURES))


def shown(activity: Floats, known: Floats) -> Floats:
    """Return what trees look at, of shape (n * 24, features), of two arrays of shape (n, 24) each."""
    beside = (np.roll(activity, 1, axis=1) + np.roll(activity, -1, axis=1)) / 2.0
    to_best = activity / activity.max(axis=1, keepdims=True)
    hours = (np.broadcast_to(each, activity.shape) for each in (np.sin(_ANGLES), np.cos(_ANGLES)))
    found: Floats = np.stack([activity, beside, to_best, known, *hours], axis=2).reshape(-1, len(FEATURES))
    return found
