"""Reading a policy file: a checked `Policy`, or every problem in it with file, line and field."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from features.kinds import ALIASES, NAMES, fold_name
from policy import places
from policy.event_names import EVENT_KINDS, KindOf, segment_kind
from policy.places import FileRefused, place, read_yaml
from policy.triggers import Policy


class PolicyRefused(FileRefused):
    """The policy file cannot be used."""


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
        return places.read(path)
    except FileRefused as refused:
        raise PolicyRefused(list(refused.problems)) from refused


def parse(text: str, *, file: str = "triggers.yaml", kind_of: KindOf = segment_kind) -> Policy:
    """Check the text of a policy file; `file` only names it in messages. Raises as `load` does."""
    try:
        data, lines = read_yaml(text, file)
        context = {"kind_of": kind_of, "segments": _segments_in(data)}
        return Policy.model_validate({} if data is None else data, context=context)
    except ValidationError as error:
        problems = [place(each, lines, file, Policy) for each in error.errors(include_url=False)]
        raise PolicyRefused(sorted(problems, key=lambda each: each.line)) from error
    except FileRefused as refused:
        raise PolicyRefused(list(refused.problems)) from refused


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
