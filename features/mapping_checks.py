"""Checks of a mapping file's values; each names the place it did not understand."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from math import inf
from typing import Any


class BadMapping(ValueError):
    """The mapping is not understood at `place` (a dotted path), for `reason`."""

    def __init__(self, place: str, reason: str) -> None:
        """Name the place and the reason."""
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place
        self.reason = reason


def section(within: Mapping[str, Any], place: str, keys: AbstractSet[str] | None) -> dict[str, Any]:
    """Return the mapping found under the last word of `place`, with `keys` at most (None: any)."""
    value = within.get(place.rpartition(".")[2])
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadMapping(place, "must be a mapping of names to values")
    for key in value:
        if keys is not None and key not in keys:
            _unknown_key(place, str(key), keys)
    return {str(key): each for key, each in value.items()}


def _unknown_key(place: str, key: str, keys: AbstractSet[str]) -> None:
    near = get_close_matches(key, keys, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(keys))}"
    raise BadMapping(f"{place}.{key}" if place else key, f"is not known here; {hint}")


def text(value: object, place: str) -> str:
    """Return a non-empty string."""
    if not isinstance(value, str) or not value.strip():
        raise BadMapping(place, f"must be a name, not {value!r}")
    return value.strip()


def texts(within: Mapping[str, Any], place: str, key: str) -> list[str]:
    """Return a list of non-empty strings; a missing one is empty."""
    value = within.get(key) or []
    place = f"{place}.{key}" if place else key
    if not isinstance(value, list):
        raise BadMapping(place, "must be a list")
    return [text(each, f"{place}[{row}]") for row, each in enumerate(value)]


def number_over_zero(value: object, place: str) -> float:
    """Return a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise BadMapping(place, f"must be a number above zero, not {value!r}")
    return float(value)
