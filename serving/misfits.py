"""Values in JSON, as browsers, Python and hand-made clients write it, that cannot be kept.

Numbers that are none, half a character, bytes that are no UTF-8, control characters that are not escaped.
"""

import json
import re
from collections.abc import Iterator
from math import inf, isfinite
from typing import Final, NamedTuple

from features.json_text import DEEPEST

_MOST_DIGITS = 4300
"""Of a whole number: nobody here reads a longer one."""
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_CONTROL: Final = re.compile(rb"\\?[\x00-\x1f]|\\.", re.DOTALL)
_MARKED: Final = re.compile("\ud800[\ud800-\ud81f]")
"""In place of a control character: two halves, of which one is left over whatever stands beside them."""


class Misfit(NamedTuple):
    """Where such a value stands in the JSON, such as `properties.products[1].price`, and what is wrong with it."""

    path: str
    reason: str


def find_misfit(text: bytes) -> Misfit | None:
    """Return the first such value within a text; None where there is none, or it is no JSON even so."""
    try:
        value = json.loads(_decoded(text), parse_int=whole)
    except (ValueError, RecursionError):
        return None
    return misfit_in(value)


def misfit_in(value: object, path: str = "") -> Misfit | None:
    """Return the first such value in what stands at a path of some JSON; None where there is none."""
    return next(_misfits(value, path, DEEPEST), None)


def read_damaged(text: bytes) -> object:
    """Return what JSON says that may hold such values; `misfit_in` finds them, control characters too.

    Raises:
        ValueError, RecursionError: It is no JSON even so.
    """
    try:
        return json.loads(_decoded(text), parse_int=whole)
    except json.JSONDecodeError:
        marked = _TEXT.sub(lambda found: _CONTROL.sub(_mark, found[0]), text)
        return json.loads(_decoded(marked), parse_int=whole)


def whole(digits: str) -> float:
    """Return a whole number of JSON, which is infinite where nobody could read it."""
    return int(digits) if len(digits) <= _MOST_DIGITS else inf


def _decoded(text: bytes) -> str:
    """Return JSON as text, in which half a character stands for each byte that is no UTF-8."""
    return text.decode(json.detect_encoding(text), "surrogateescape")


def _mark(found: re.Match[bytes]) -> bytes:
    code = found[0][-1]
    return found[0] if code >= ord(" ") else b"\\ud800\\ud8%02x" % code


def _misfits(value: object, path: str, levels: int) -> Iterator[Misfit]:
    if isinstance(value, float) and not isfinite(value):
        reason = "must be a finite number"
    elif isinstance(value, str) and not _is_unicode(value):
        control = _MARKED.search(value)
        reason = "holds a control character that is not escaped" if control else "is not valid Unicode"
    elif isinstance(value, dict) and not all(map(_is_unicode, value)):
        reason = "has a name that is not valid Unicode"
    else:
        for place, each in _places(value, path) if levels else ():
            yield from _misfits(each, place, levels - 1)
        return
    if path:
        yield Misfit(path, reason)


def _places(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield f"{path}.{name}" if path else name, each
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield f"{path}[{index}]", each


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
