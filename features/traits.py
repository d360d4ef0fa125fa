"""What is told of a person, and the numbers that features make of it: columns that a record has only in memory.

The log keeps the payload of an event, not these numbers, so that another declaration can be made of the same log.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from math import inf, nan
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from features.declare import Trait, folded_word
from features.events import KIND, RECORD_WIDTH, BadEvent, Event
from features.kinds import Kind
from features.values import number, text

UNREAD: Final = -inf
"""The number of what was taken back, or cannot be read as it is declared: what was known before is so no longer."""
ABOUT_TRAITS: Final = '"traits"'
"""Stands in the payload's text of every event that tells anything."""


def traits_of(kind: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event tells of its person: by its own traits, else by its context's; a group's are not theirs."""
    context = payload.get("context")
    known = context.get("traits") if context else None
    own = payload.get("traits") if kind != Kind.GROUPED else None
    found = dict(known) if isinstance(known, dict) else {}
    if isinstance(own, dict):
        found.update(own)
    return found


def with_traits(record: bytes, payload: Mapping[str, Any], declared: Sequence[Trait]) -> bytes:
    """Return a record with a column for each declared trait: its number, `UNREAD`, or NaN where nothing is told."""
    if not declared:
        return record
    told = traits_of(int(_KIND.unpack_from(record, 8 * KIND)[0]), payload) if payload else None
    if not told:
        return record + _silence(len(declared))
    return record + struct.pack(f"<{len(declared)}d", *(_number(each, told) for each in declared))


def records_of(
    packed: Sequence[bytes], payloads: Sequence[str | None], declared: Sequence[Trait]
) -> npt.NDArray[np.float64]:
    """Return records that a log keeps as rows of numbers, with a column for each declared trait.

    Args:
        packed: The records.
        payloads: The JSON text of each one's payload, or None where it has no `ABOUT_TRAITS`.
        declared: Of a catalogue.
    """
    if declared:
        packed = [
            with_traits(record, json.loads(payload) if payload else {}, declared)
            for record, payload in zip(packed, payloads, strict=True)
        ]
    return np.frombuffer(b"".join(packed), dtype="<f8").reshape(-1, RECORD_WIDTH + len(declared))


def unread(event: Event, declared: Sequence[Trait]) -> list[str]:
    """Return the traits that an event tells in a way that cannot be read as it is declared; null says nothing wrong."""
    told = traits_of(event.kind, event.payload)
    wrong = [each for each in declared if _number(each, told) == UNREAD and _said(each.trait, told) not in (None, "")]
    return list(dict.fromkeys(each.trait for each in wrong))


_KIND: Final = struct.Struct("<d")
_MISSING: Final = object()


@cache
def _silence(n: int) -> bytes:
    return struct.pack(f"<{n}d", *[nan] * n)


def _number(declared: Trait, told: Mapping[str, Any]) -> float:
    value = _said(declared.trait, told)
    if value is _MISSING:
        return nan
    try:
        found = _place(value, declared.values) if declared.values is not None else _amount(value)
    except BadEvent:
        return UNREAD
    return UNREAD if found is None else found


def _said(trait: str, told: Mapping[str, Any]) -> Any:
    """Return what is told of a trait; `a.b` is `b` within `a`, and taken back where `a` is told without it."""
    if trait in told:
        return told[trait]
    head, *path = trait.split(".")
    if not path or head not in told:
        return _MISSING
    found = told[head]
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _amount(value: object) -> float | None:
    return float(value) if isinstance(value, bool) else number(value, "")


def _place(value: object, values: tuple[str, ...]) -> float | None:
    """Return which of the values this is, from 1 on; None for another."""
    said = text(value, "")
    return None if said is None else _places(values).get(folded_word(said))


@cache
def _places(values: tuple[str, ...]) -> dict[str, float]:
    return {folded_word(each): float(place) for place, each in enumerate(values, start=1)}
