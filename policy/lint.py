"""What a policy file says, each trigger in a sentence, and what in it can hardly be meant: `make lint-triggers`."""

import argparse
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from features.mapping import EventMapping
from features.mapping_checks import BadMapping
from policy.doubts import doubts
from policy.places import read_yaml, regular
from policy.policy import Policy
from policy.sentences import sentence, sentence_of_segment
from policy.source import PolicyRefused, Source, checked, read, remarks
from policy.thresholds import in_force


def main(arguments: list[str] | None = None) -> int:
    """Explain a policy file; return 1 where it is refused, 0 otherwise, whatever there is to doubt."""
    parser = argparse.ArgumentParser(prog="python -m policy.lint", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=Path("triggers.yaml"))
    parser.add_argument("--map", type=Path, help="the shop's mapping file, whose names of events a trigger may use")
    given = parser.parse_args(arguments)
    path: Path = given.file
    try:
        source = read(path)
        policy = checked(source, path, kind_of=_mapping(given.map).kind_of)
    except (PolicyRefused, BadMapping, OSError, yaml.YAMLError) as refused:
        print(refused, file=sys.stderr)
        return 1
    for segment in policy.segments:
        print(f"segment {segment.name}: {sentence_of_segment(segment)}\n")
    for trigger in policy.triggers:
        print(f"{trigger.name}: {sentence(trigger)}\n")
    for line in _automatic(source, policy):
        print(f"{line}\n")
    found = [*remarks(policy), *doubts(policy)]
    for each in found:
        print(f"{path}: warning: {each}")
    segments = f"{len(policy.segments)} segments, " if policy.segments else ""
    print(f"{path}: {segments}{len(policy.triggers)} triggers, {len(found)} warnings, version {policy.version}")
    return 0


def _automatic(source: Source, policy: Policy) -> Iterator[str]:
    """Yield what is to be said of each threshold that the file, which was checked, leaves to reports."""
    data, _ = read_yaml(source.text, "")
    for each, trigger in zip(data["triggers"], policy.triggers, strict=True):
        says = in_force(each["threshold"], source.thresholds.get(trigger.name), trigger.horizon)
        if says:
            yield f"{trigger.name}: {says}"


def _mapping(path: Path | None) -> EventMapping:
    """Return the mapping that a server would use, so that both know the same names and tell the same version."""
    texts = [files("features").joinpath("events.yaml").read_text(encoding="utf-8")]
    if path is not None:
        texts.append(regular(path).read_text(encoding="utf-8"))
    return EventMapping(*(yaml.safe_load(each) or {} for each in texts))


if __name__ == "__main__":
    sys.exit(main())
