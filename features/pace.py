"""Nobody clicks this fast: what tells a program from a person."""

from numba import njit

from features.layout import SESSION_DEPTH, SESSION_LAST, SESSION_START, Floats

_MINUTE_US = 60e6
FEWEST_EVENTS = 300
"""A burst shorter than this may be a tab that came back online."""
MOST_PER_MINUTE = 120.0


@njit(cache=True, nogil=True)
def is_inhuman(state: Floats) -> bool:
    """Whether the current session of this state, of shape (width,), runs at a rate that no person keeps up."""
    depth = state[SESSION_DEPTH]
    if depth < FEWEST_EVENTS:
        return False
    minutes = (state[SESSION_LAST] - state[SESSION_START]) / _MINUTE_US
    return bool(depth / max(minutes, 1.0) > MOST_PER_MINUTE)
