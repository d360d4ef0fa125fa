"""At which hours of the day a person is active: the profile of a state as of the moment of the question."""

import numpy as np
from numba import njit

from features.catalog import CATALOGUE
from features.decay import NEVER, US_PER_S, weight_of
from features.layout import ANCHOR, Floats, Ints, Tables

HOURS = 24


def read_hours(states: Floats, at: Ints) -> Floats:
    """Return how much each person did in each local hour, of shape (n, 24): events, faded with the profile's half-life.

    The hours are those of the person's own clock; of UTC where an event came before any told its zone.

    Args:
        states: Of shape (n, width).
        at: The moment of the question of each, in microseconds.
    """
    out = np.empty((len(states), HOURS))
    for state, moment, hours in zip(states, at, out, strict=True):
        hours_of(state, float(moment), hours, CATALOGUE.tables)
    return out


@njit(cache=True, nogil=True)
def hours_of(state: Floats, at: float, out: Floats, tables: Tables) -> None:
    """Write the 24 hours of `state` as of `at` (µs) into `out`."""
    elapsed_s = max(0.0, (at - state[ANCHOR]) / US_PER_S) if state[ANCHOR] > NEVER else 0.0
    weight = weight_of(tables, tables.profile_half_life, elapsed_s)
    for hour in range(out.size):
        out[hour] = state[tables.profile_slot + hour] * weight
