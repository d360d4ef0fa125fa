"""Where something stands in JSON or YAML, in one way."""

from collections.abc import Iterable


def written(path: Iterable[str | int]) -> str:
    """Write a path as people do: `triggers[0].threshold`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).lstrip(".")
