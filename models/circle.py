"""The hours of a day are a circle: spreading what happened in one over its neighbours, and distances between them."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOURS = 24


def distance(one: Ints, other: Ints) -> Ints:
    """Return how many hours apart hours of the day are, the shorter way round: 0 to 12."""
    apart = np.abs(one - other) % HOURS
    shorter: Ints = np.minimum(apart, HOURS - apart)
    return shorter


def kernel(sigma_h: float) -> Floats:
    """Return what part of an event counts for which hour, of shape (24, 24), rows that sum to one.

    A normal density of so many hours around the hour of the event, wrapped around the clock; nothing is averaged, so
    that two peaks stay two.

    Raises:
        ValueError: The width is not above zero.
    """
    if not sigma_h > 0.0:
        raise ValueError(f"a kernel of {sigma_h} hours has no width")
    hours = np.arange(HOURS)
    found = np.exp(-0.5 * (distance(hours[:, None], hours[None, :]) / sigma_h) ** 2)
    spread: Floats = found / found.sum(axis=1, keepdims=True)
    return spread
