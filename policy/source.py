"""Reading a policy file: a checked `Policy`, or every problem in it with file, line and field."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from features.kinds import ALIASES, NAMES, fold_name
from features.paths import written
from policy import places
from policy.event_names import EVENT_KINDS, KindOf, segment_kind
from policy.places import FileRefused, Places, place, read_yaml
from policy.policy import Policy
from policy.problems import Field, Problem, message
from policy.template_files import Texts, read_templates, whole_place
from policy.templates import faults, incomplete, uncoded, unknown
from policy.thresholds import NONE_ACCEPTED, Thresholds, read_accepted

NO_TEMPLATES: Final[Texts] = MappingProxyType({})


class PolicyRefused(FileRefused):
    """The policy file cannot be used."""


class Source(NamedTuple):
    """What a policy is read from: the text of its file, the templates beside it, and the thresholds accepted there."""

    text: str
    templates: Texts = NO_TEMPLATES
    thresholds: Thresholds = NONE_ACCEPTED


def load(path: Path, *, kind_of: KindOf = segment_kind) -> Policy:
    """Read a policy file.

    Args:
        path: The file.
        kind_of: The mapping's, so that a trigger may call an event what the shop calls it.

    Raises:
        PolicyRefused: Anything in it is wrong, or it cannot be read; then nothing of it counts.
    """
    return checked(read(path), path, kind_of=kind_of)


def checked(source: Source, path: Path, *, kind_of: KindOf = segment_kind) -> Policy:
    """Check what was read from a policy file, which says what its triggers are, be it that there are none.

    An editor that empties a file before it writes must not end everything that waits. Raises as `load` does.
    """
    policy = parse(
        source.text, file=str(path), kind_of=kind_of, templates=source.templates, thresholds=source.thresholds
    )
    if "triggers" not in policy.model_fields_set:
        raise PolicyRefused([Problem(str(path), 1, "", "has no `triggers:`; to have none, write `triggers: []`")])
    return policy


def read(path: Path) -> Source:
    """Return what a policy file and the files beside it say (PolicyRefused: they cannot be read)."""
    try:
        return Source(places.read(path), read_templates(path), read_accepted(path))
    except FileRefused as refused:
        raise PolicyRefused(list(refused.problems)) from refused


def parse(
    text: str,
    *,
    file: str = "triggers.yaml",
    kind_of: KindOf = segment_kind,
    templates: Texts = NO_TEMPLATES,
    thresholds: Thresholds = NONE_ACCEPTED,
) -> Policy:
    """Check the text of a policy file, with what is beside it; `file` only names it. Raises as `load` does."""
    try:
        data, lines = read_yaml(text, file)
        context = {"kind_of": kind_of, "segments": _segments_in(data), "thresholds": thresholds}
        policy = Policy.model_validate(_with(templates, {} if data is None else data), context=context)
        _check_templates(policy, lines, file)
    except ValidationError as error:
        problems = [_problem(each, lines, file) for each in error.errors(include_url=False)]
        raise PolicyRefused(sorted(problems, key=lambda each: each.line)) from error
    except FileRefused as refused:
        raise PolicyRefused(list(refused.problems)) from refused
    return policy


def remarks(policy: Policy) -> list[str]:
    """Return what is allowed but looks like a slip: an event name that is almost, but not quite, a known one."""
    found = []
    for trigger in policy.triggers:
        looked_for = frozenset[str]().union(*(each.reads.events for each in trigger.conditions))
        found += [f"trigger {trigger.name} reacts to {each}" for each in _almost_known(trigger.on)]
        rest = dict.fromkeys((*trigger.cancel_on, *sorted(looked_for)))
        found += [f"trigger {trigger.name} looks for {each}" for each in _almost_known(rest.keys() - {*trigger.on})]
    for segment in policy.segments:
        found += [f"segment {segment.name} looks for {each}" for each in _almost_known(segment.when.reads.events)]
    return [*found, *unknown(policy), *dict.fromkeys(incomplete(policy)), *dict.fromkeys(uncoded(policy))]


def _almost_known(events: Iterable[str]) -> Iterator[str]:
    for event in dict.fromkeys(sorted(events)):
        nearest = get_close_matches(fold_name(event), ALIASES, n=1, cutoff=0.85)
        if nearest and event not in EVENT_KINDS:
            yield f"{event!r}, which is not a known event; did you mean {NAMES[ALIASES[nearest[0]]]!r}?"


def _with(templates: Texts, data: Any) -> Any:
    """Return a file's fields with the templates of the folder; one that the file has itself goes before."""
    own = data.get("templates", {}) if isinstance(data, dict) else None
    return {**data, "templates": {**templates, **own}} if templates and isinstance(own, dict) else data


def _check_templates(policy: Policy, lines: Places, file: str) -> None:
    wrong = [_of_template(field, each.line, each.says, lines, file) for field, each in faults(policy)]
    if wrong:
        raise PolicyRefused(wrong)


def _problem(error: Any, lines: Places, file: str) -> Problem:
    field: Field = error["loc"]
    if field[:1] == ("templates",) and len(field) > 1 and field[:2] not in lines:
        return _of_template(field, 1, message(error, Policy), lines, file)
    return place(error, lines, file, Policy)


def _of_template(field: Field, line: int, says: str, lines: Places, file: str) -> Problem:
    """Return what is wrong with a template: where it stands in the policy file, or in a file of its own."""
    if field in lines:
        return Problem(file, lines[field], written(field), f"line {line} of the template: {says}")
    return Problem(whole_place(file, field), line, "", says)


def _segments_in(data: object) -> list[str]:
    """Return the names of a file's segments before it is checked, so that whoever names another one is told."""
    given = data.get("segments") if isinstance(data, dict) else None
    found = [each.get("name") for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [each for each in found if isinstance(each, str)]
