"""The names of events in a policy file: any spelling of one we know is that one."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, TypeVar

from pydantic import AfterValidator, StringConstraints, ValidationInfo

from features.kinds import ALIASES, NAMES, Kind, fold_name

T = TypeVar("T")
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

    Args:
        pairs: Name of an event and what goes with it; the pairs of the same thing follow each other.
    """
    found: dict[int | str, tuple[T, ...]] = {}
    for name, each in pairs:
        known = found.get(event_key(name), ())
        if not known or known[-1] is not each:
            found[event_key(name)] = (*known, each)
    return found


def of_event(index: Mapping[int | str, tuple[T, ...]], kind: int, name: str) -> tuple[T, ...]:
    """Return what `by_event` holds of an event; its name counts only where it has no kind of its own."""
    return index.get(kind, ()) if kind != Kind.OTHER else index.get(fold_name(name), ())


def _our_name(name: str, info: ValidationInfo) -> str:
    """Turn every spelling of a known event into our name of it, so that the version does not depend on the spelling."""
    kind_of: KindOf = (info.context or {}).get("kind_of", segment_kind)
    kind = kind_of(name)
    return NAMES[kind] if kind else name


EventName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_our_name),
]
