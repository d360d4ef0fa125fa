"""How far ahead a model looks: labels such as ``24h`` and ``7d``, and the names models are registered under."""

import re
from datetime import timedelta

_LABEL = re.compile(r"([1-9][0-9]{0,3})([hd])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
REGISTERED = "opportune-intent-"
SEND_HOUR = "send-hour"
"""What stands in the place of a horizon where champions are named, for the model of send hours."""
SEND_HOUR_REGISTERED = "opportune-send-hour"
"""The name under which models of send hours are registered."""
SEGMENTS = "segments"
"""What stands in the place of a horizon for learned segments."""
SEGMENTS_REGISTERED = "opportune-segments"
"""The name under which learned segments are registered."""

CHALLENGER = "challenger-"
"""What stands before the horizon, where champions are named, of a model that scores in shadow."""
UPLIFT = "uplift/"
"""What stands in the place of a horizon for what messages add begins with this; the trigger's name follows."""
UPLIFT_REGISTERED = "opportune-uplift-"
"""The names under which models of uplift are registered begin with this; the trigger's name follows."""


def duration(label: str) -> timedelta:
    """Return how far ahead ``<n>h`` or ``<n>d`` looks.

    Raises:
        ValueError: The label is neither.

    Examples:
        >>> duration("7d")
        datetime.timedelta(days=7)
    """
    found = _LABEL.fullmatch(label)
    if found is None:
        raise ValueError(f"{label!r} is no horizon: write hours or days, as in 24h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def registered_name(label: str) -> str:
    """Return the name under which the model of this horizon is registered."""
    duration(label)
    return REGISTERED + label
