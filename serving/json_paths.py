"""Paths into JSON, such as `customer.id` or `items.0.name`."""

from collections.abc import Mapping, Sequence
from typing import Any


def found_at(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path of fields and positions; None where there is nothing."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
