"""Trees that look at a person and an hour of their day: what they are shown."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from models.circle import HOURS
from models.forest import Forest, sound

Floats = npt.NDArray[np.float64]

FEATURES: Final = ("activity", "activity_beside", "activity_to_best", "known", "hour_sin", "hour_cos")
"""What they look at; `known` is what else is known of the person and the hour, other for each use."""
DIRECTIONS: Final = (1, 0, 1, 0, 0, 0)
"""Of each: whether more of it may only make the hour better."""
_ANGLES: Final = 2.0 * np.pi * np.arange(HOURS) / HOURS
_SIN: Final = np.sin(_ANGLES)
_COS: Final = np.cos(_ANGLES)


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
    found = np.empty((activity.size, len(FEATURES)))
    _show(np.ascontiguousarray(activity), np.ascontiguousarray(known), _SIN, _COS, found)
    return found


@njit(cache=True, nogil=True)
def _show(activity: Floats, known: Floats, sin: Floats, cos: Floats, out: Floats) -> None:
    for person in range(activity.shape[0]):
        there, most = activity[person], activity[person].max()
        for hour in range(HOURS):
            row = out[person * HOURS + hour]
            row[0], row[2], row[3] = there[hour], there[hour] / most, known[person, hour]
            row[1] = (there[hour - 1] + there[(hour + 1) % HOURS]) / 2.0
            row[4], row[5] = sin[hour], cos[hour]
