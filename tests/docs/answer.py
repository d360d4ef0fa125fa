"""Compares the JSON that a page shows with the JSON that was answered."""

from collections.abc import Iterator
from typing import Any


def unlike(shown: Any, answered: Any, place: str = "$") -> Iterator[str]:
    """Yield each place where the answer has other fields or another kind of value than the page shows.

    Numbers, texts and lengths may differ from run to run; `null` stands for any value, on either side.
    """
    if shown is None or answered is None:
        return
    if _kind(shown) != _kind(answered):
        yield f"{place}: shown as {_kind(shown)}, answered as {_kind(answered)}"
    elif isinstance(shown, dict):
        for name in sorted(shown.keys() ^ answered.keys()):
            yield f"{place}.{name}: {'shown' if name in shown else 'answered'} only"
        for name in sorted(shown.keys() & answered.keys()):
            yield from unlike(shown[name], answered[name], f"{place}.{name}")
    elif isinstance(shown, list) and shown and answered:
        yield from unlike(shown[0], answered[0], f"{place}[0]")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return {dict: "an object", list: "a list", str: "a text"}[type(value)]
