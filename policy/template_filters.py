"""The filters that templates may use: Jinja2's harmless ones, and those that had to be bounded."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

from jinja2 import Environment, TemplateRuntimeError, Undefined, pass_environment, pass_eval_context
from jinja2.filters import FILTERS as JINJA
from jinja2.nodes import EvalContext

LONGEST: Final = 200_000
"""Characters of any text on the way."""
MOST_STEPS: Final = 20_000
"""Of all loops and filters of one template together; a round of a loop takes more of them the more it holds."""
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
    "trim",
    "truncate",
    "upper",
    "urlencode",
)
LARGEST: Final = 1e15
"""Of any number that is computed with."""
_LONGEST_BETWEEN: Final = 100
_MOST_DIGITS: Final = 6


class TooMuch(Exception):
    """The template would take too long, or become too long."""


class Steps:
    """The steps that a template which is filled in has left."""

    def __init__(self) -> None:
        self._left = MOST_STEPS

    def take(self, steps: int) -> None:
        """Use some of them up (TooMuch: there are not so many)."""
        self._left -= steps
        if self._left < 0:
            raise TooMuch(f"its loops and filters take more than {MOST_STEPS:,} steps")


LEFT: Final[ContextVar[Steps]] = ContextVar("steps")
"""Of the template that is being filled in."""


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        _count(args)
        found = function(*args, **named)
        if isinstance(found, str) and len(found) > LONGEST:
            raise TooMuch(f"{name} gives more than {LONGEST:,} characters")
        return found

    return call


def _count(args: tuple[Any, ...]) -> None:
    left = LEFT.get(None)
    # What is constant is computed when the template is read.
    if left is not None:
        left.take(1 + sum(len(each) for each in args if isinstance(each, (str, list))) // 100)


def _listed(items: object, steps: int = 1) -> object:
    """Return what a loop goes through, of which each round takes so many steps."""
    if isinstance(items, Undefined):
        return []
    if not isinstance(items, (list, tuple)):
        raise TemplateRuntimeError("for goes through lists only")
    LEFT.get().take(len(items) * steps)
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


@pass_eval_context
def _tojson(context: EvalContext, value: Any) -> str:
    """Return JSON on one line: an indentation could be of any width."""
    text: str = JINJA["tojson"](context, value)
    return text


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
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
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
    "tojson": _tojson,
}
FILTERS: Final = {name: _bounded(name, each) for name, each in ({name: JINJA[name] for name in _KEPT} | _OWN).items()}
"""By the name that templates use."""
