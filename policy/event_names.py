"""The names of events in a policy file: any spelling of one we know is that one."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, StringConstraints, ValidationInfo

from features.kinds import ALIASES, NAMES, Kind, fold_name

T = TypeVar("T")
ANY: Final = "*"
"""Under `on` and `cancel_on` of a trigger: any event."""
KindOf = Callable[[str], Kind]
"""Tells the kind that an event name stands for, `Kind.OTHER` where there is none."""

EVENT_KINDS: Mapping[str, int] = MappingProxyType({name: int(kind) for kind, name in NAMES.items()})
"""Our name of each kind -> its number."""


def segment_kind(name: str) -> Kind:
    """Return the kind of an event by Segment's own names."""
    return ALIASES.get(fold_name(name), Kind.OTHER)


def event_key(name: str) -> int | str:
    """Return under which key an event of a policy is found: its kind, or its folded name where it has none."""
    return EVENT_KINDS.get(name) or fold_name(name)


def by_event(pairs: Iterable[tuple[str, T]]) -> dict[int | str, tuple[T, ...]]:
    """Return `event_key` -> what goes with it, in order; what goes with two spellings of an event stands there once.

    What goes with `ANY` goes with every kind and with every name; of those not named, below `ANY` itself.

    Args:
        pairs: Name of an event and what goes with it; the pairs of the same thing follow each other.
    """
    given = [(ANY if name == ANY else event_key(name), each) for name, each in pairs]
    everywhere = any(key == ANY for key, _ in given)
    kinds: list[int | str] = [ANY, *(int(kind) for kind in Kind if kind is not Kind.OTHER)] if everywhere else []
    found: dict[int | str, tuple[T, ...]] = {}
    for key in dict.fromkeys((*kinds, *(key for key, _ in given))):
        mine = [each for other, each in given if other in (key, ANY)]
        found[key] = tuple(each for i, each in enumerate(mine) if i == 0 or mine[i - 1] is not each)
    return found


def of_event(index: Mapping[int | str, tuple[T, ...]], kind: int, name: str) -> tuple[T, ...]:
    """Return what `by_event` holds of an event; its name counts only where it has no kind of its own."""
    return of_key(index, kind or fold_name(name))


def of_key(index: Mapping[int | str, tuple[T, ...]], key: int | str) -> tuple[T, ...]:
    """Return what `by_event` holds of an `event_key`; of a name that it does not know, what goes with any event."""
    found = index.get(key)
    return found if found is not None else () if isinstance(key, int) else index.get(ANY, ())


def _our_name(name: str, info: ValidationInfo) -> str:
    """Turn every spelling of a known event into our name of it, so that the version does not depend on the spelling."""
    kind_of: KindOf = (info.context or {}).get("kind_of", segment_kind)
    kind = kind_of(name)
    return NAMES[kind] if kind else name


def _named(name: str) -> str:
    if name == ANY:
        raise ValueError("stands for any event, which only on and cancel_on may name")
    return name


_Written = StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
EventName = Annotated[str, _Written, AfterValidator(_named), AfterValidator(_our_name)]
EventNameOrAny = Annotated[str, _Written, AfterValidator(_our_name)]
"""As `EventName`, or `ANY`."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


EventNames = Annotated[
    tuple[EventNameOrAny, ...], BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...])
]
"""One of these, or a list of them."""
