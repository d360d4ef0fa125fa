"""The filters that templates may use: Jinja2's harmless ones, and those that had to be bounded."""

from collections.abc import Callable, Iterable
from functools import wraps
from math import isfinite
from typing import Any, Final

from jinja2 import Environment, TemplateRuntimeError, Undefined, pass_context, pass_environment, pass_eval_context
from jinja2.filters import FILTERS as JINJA
from jinja2.nodes import EvalContext
from jinja2.runtime import Context

LONGEST: Final = 200_000
"""Characters of any text on the way."""
MOST_ROUNDS: Final = 10_000
"""Of all loops of one template together."""
LISTED: Final = "listed"
_KEPT: Final = (
    "capitalize",
    "d",
    "default",
    "e",
    "escape",
    "first",
    "last",
    "lower",
    "sort",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "upper",
    "urlencode",
)
_LONGEST_BETWEEN: Final = 100
_MOST_DIGITS: Final = 6


class TooMuch(Exception):
    """The template would take too long, or become too long."""


class Rounds:
    """The rounds that the loops of one template have left."""

    def __init__(self) -> None:
        self._left = MOST_ROUNDS

    def take(self, rounds: int) -> None:
        """Use some of them up (TooMuch: there are not so many)."""
        self._left -= rounds
        if self._left < 0:
            raise TooMuch(f"its loops go round more than {MOST_ROUNDS:,} times")


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        found = function(*args, **named)
        if isinstance(found, str) and len(found) > LONGEST:
            raise TooMuch(f"{name} gives more than {LONGEST:,} characters")
        return found

    return call


@pass_context
def _listed(context: Context, items: object) -> object:
    """Return what a loop goes through, and count it."""
    if isinstance(items, Undefined):
        return []
    if not isinstance(items, (list, tuple)):
        raise TemplateRuntimeError("for goes through lists only")
    context["_rounds"].take(len(items))
    return items


@pass_environment
def _map(environment: Environment, items: Iterable[Any], attribute: str) -> list[Any]:
    """Return one field of each item, where it has it."""
    found = [environment.getitem(each, attribute) for each in items if isinstance(each, dict)]
    return [each for each in found if not isinstance(each, Undefined)]


@pass_eval_context
def _join(context: EvalContext, items: Iterable[Any], between: str = "") -> str:
    if len(between) > _LONGEST_BETWEEN:
        raise TooMuch(f"join: what stands between may have {_LONGEST_BETWEEN} characters")
    listed = list(items)
    if not all(isinstance(each, (str, int, float)) for each in listed):
        raise TemplateRuntimeError("join takes texts and numbers; of blocks, map(attribute='…') takes a field")
    joined: str = JINJA["join"](context, listed, between)
    return joined


@pass_eval_context
def _replace(context: EvalContext, text: str, old: str, new: str) -> str:
    text = str(text)
    if len(text) + text.count(old) * len(new) > LONGEST:
        raise TooMuch(f"replace gives more than {LONGEST:,} characters")
    replaced: str = JINJA["replace"](context, text, old, new)
    return replaced


def _round(value: float, precision: int = 0) -> float:
    """Return a number rounded to so many digits; without any, a whole number."""
    digits = min(max(int(precision), 0), _MOST_DIGITS)
    return round(_number(value), digits or None)


def _money(value: float, currency: object = "") -> str:
    """Return an amount with two digits and its currency: `12.50 EUR`."""
    unit = "" if isinstance(currency, Undefined) else str(currency)
    return f"{_number(value):,.2f} {unit}".rstrip()


def _length(items: object) -> int:
    if isinstance(items, (str, list, tuple, dict, Undefined)):
        return len(items)
    raise TemplateRuntimeError("length is for lists and texts")


def _number(value: object) -> float:
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value) or abs(value) > 1e15:
        raise TemplateRuntimeError("this is no number of an everyday size")
    return value


_OWN: Final[dict[str, Callable[..., Any]]] = {
    "count": _length,
    "join": _join,
    "length": _length,
    LISTED: _listed,
    "map": _map,
    "money": _money,
    "replace": _replace,
    "round": _round,
}
FILTERS: Final = {name: _bounded(name, each) for name, each in ({name: JINJA[name] for name in _KEPT} | _OWN).items()}
"""By the name that templates use."""
