"""Mapping files: the one we ship, with the shop's own laid over it."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from features.mapping import EventMapping
from features.mapping_checks import BadMapping
from policy.places import MOST_FIELDS, regular


class MappingRefused(ValueError):
    """A mapping file could not be read or understood; the message names file, line and place."""


def read_mapping(*paths: Path | None) -> EventMapping:
    """Return the shipped mapping (`features/events.yaml`) with `paths` laid over it, the last winning; None is none.

    Raises:
        MappingRefused: A file is missing, is not YAML, or says something we do not understand.
    """
    layers = [_shipped()]
    mapping = EventMapping(*layers)
    for path in filter(None, paths):
        try:
            text = regular(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise MappingRefused(f"{path}: {error}") from error
        layers.append(_load(text, str(path)))
        try:
            mapping = EventMapping(*layers)
        except BadMapping as bad:
            raise MappingRefused(f"{path}:{_line(text, bad.place)}: {bad}") from bad
    return mapping


@cache
def _shipped() -> dict[str, Any]:
    return _load(files("features").joinpath("events.yaml").read_text(encoding="utf-8"), "events.yaml")


def _load(text: str, name: str) -> dict[str, Any]:
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        # A few lines of aliases of aliases say millions, and nobody means them.
        too_many = any(islice(_places(root, ""), MOST_FIELDS, None))
        found = None if root is None or too_many else loader.construct_document(root)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # PyYAML itself stumbles over `2020-13-45`, `!!bool x` and `!!timestamp x`.
        raise MappingRefused(f"{name}: is not YAML: {error}") from error
    if too_many:
        raise MappingRefused(f"{name}:1: has more than {MOST_FIELDS:,} fields, those of its aliases counted each time")
    if found is not None and not isinstance(found, dict):
        raise MappingRefused(f"{name}:1: must be a mapping of sections such as `events:`")
    return found or {}


def _line(text: str, place: str) -> int:
    """Return the line of a place, or of the nearest thing around it."""
    lines = dict(_places(yaml.compose(text, Loader=yaml.SafeLoader), ""))
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines.get(place, 1)


def _places(node: yaml.Node | None, place: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{place}.{key.value}" if place else str(key.value)
            yield inner, key.start_mark.line + 1
            yield from _places(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for row, value in enumerate(node.value):
            yield f"{place}[{row}]", value.start_mark.line + 1
            yield from _places(value, f"{place}[{row}]")
