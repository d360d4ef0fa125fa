"""The names of events in a policy file: any spelling of one we know is that one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, ValidationInfo

from features.kinds import ALIASES, NAMES, Kind, fold_name

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
