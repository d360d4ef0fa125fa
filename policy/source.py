"""Reading a policy file: a checked `Policy`, or every problem in it with file, line and field."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.reader import ReaderError

from features.kinds import ALIASES, NAMES, fold_name
from policy.event_names import EVENT_KINDS, KindOf, segment_kind
from policy.problems import Field, Problem, message, written
from policy.triggers import Policy

Places = dict[Field, int]


class PolicyRefused(Exception):
    """The policy file cannot be used."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which only true and false are booleans: `on`, a field of ours, is a word like any other."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path, *, kind_of: KindOf = segment_kind) -> Policy:
    """Read a policy file.

    Args:
        path: The file.
        kind_of: The mapping's, so that a trigger may call an event what the shop calls it.

    Raises:
        PolicyRefused: Anything in it is wrong, or it cannot be read; then nothing of it counts.
    """
    return parse(read(path), file=str(path), kind_of=kind_of)


def read(path: Path) -> str:
    """Return the text of a policy file (PolicyRefused: it cannot be read)."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused([Problem(str(path), 1, "", f"cannot be read: {error}")]) from error


def parse(text: str, *, file: str = "triggers.yaml", kind_of: KindOf = segment_kind) -> Policy:
    """Check the text of a policy file; `file` only names it in messages. Raises as `load` does."""
    data, places = _read_yaml(text, file)
    try:
        context = {"kind_of": kind_of, "segments": _segments_in(data)}
        return Policy.model_validate({} if data is None else data, context=context)
    except ValidationError as error:
        problems = [_problem(each, places, file) for each in error.errors(include_url=False)]
        raise PolicyRefused(sorted(problems, key=lambda each: each.line)) from error


def remarks(policy: Policy) -> list[str]:
    """Return what is allowed but looks like a slip: an event name that is almost, but not quite, a known one."""
    found = []
    for trigger in policy.triggers:
        looked_for = trigger.when.reads.events if trigger.when is not None else frozenset[str]()
        found += [f"trigger {trigger.name} reacts to {each}" for each in _almost_known(trigger.on)]
        rest = dict.fromkeys((*trigger.cancel_on, *sorted(looked_for)))
        found += [f"trigger {trigger.name} looks for {each}" for each in _almost_known(rest.keys() - {*trigger.on})]
    for segment in policy.segments:
        found += [f"segment {segment.name} looks for {each}" for each in _almost_known(segment.when.reads.events)]
    return found


def _almost_known(events: Iterable[str]) -> Iterator[str]:
    for event in dict.fromkeys(sorted(events)):
        nearest = get_close_matches(fold_name(event), ALIASES, n=1, cutoff=0.85)
        if nearest and event not in EVENT_KINDS:
            yield f"{event!r}, which is not a known event; did you mean {NAMES[ALIASES[nearest[0]]]!r}?"


def _segments_in(data: object) -> list[str]:
    """Return the names of a file's segments before it is checked, so that whoever names another one is told."""
    given = data.get("segments") if isinstance(data, dict) else None
    found = [each.get("name") for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [each for each in found if isinstance(each, str)]


def _read_yaml(text: str, file: str) -> tuple[Any, Places]:
    places: Places = {}
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return None, places
        _mark(root, (), places, file)
        return loader.construct_document(root), places
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _not_yaml(file, mark.line + 1 if mark else 1, error.problem) from error
    except ReaderError as error:
        raise _not_yaml(file, text.count("\n", 0, error.position) + 1, error.reason) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(file, 1, str(error)) from error


def _not_yaml(file: str, line: int, reason: str | None) -> PolicyRefused:
    return PolicyRefused([Problem(file, line, "", f"not valid YAML: {reason}")])


def _mark(node: yaml.Node, field: Field, places: Places, file: str) -> None:
    """Note the line of every field below a node; refuse a field given twice, of which YAML would keep the last."""
    places.setdefault(field, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for position, each in enumerate(node.value):
            _mark(each, (*field, position), places, file)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*field, str(key.value))
            line = key.start_mark.line + 1
            if inner in places:
                raise PolicyRefused(
                    [Problem(file, line, written(inner), f"is given twice, first on line {places[inner]}")]
                )
            places[inner] = line
            _mark(value, inner, places, file)


def _problem(error: Mapping[str, Any], places: Places, file: str) -> Problem:
    field: Field = error["loc"]
    known = field
    while known not in places and known:
        known = known[:-1]
    return Problem(file, places.get(known, 1), written(field), message(error, Policy))
