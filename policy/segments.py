"""Segments: people named by what holds for them, whatever just happened."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from policy.block import Block
from policy.conditions import Condition, When
from policy.event_names import ANY, by_event, of_event
from policy.names import Name, check_differ
from policy.view import Reads, View


class Segment(Block):
    """People for whom a condition holds, named."""

    name: Name = Field(description="Lower-case letters, digits, - and _; conditions and the API call it by this.")
    when: When = Field(description="Who is in it: a condition that asks about no particular event.")
    notify: Name | None = Field(
        default=None, description="Webhook endpoint that is told who enters and who leaves; default: none."
    )

    @field_validator("when")
    @classmethod
    def _asks_about_no_event(cls, when: Condition) -> Condition:
        if when.reads.asking or when.reads.since_event or when.reads.message:
            raise ValueError(
                "looks at the event that asks, and in a segment none does: leave out event, response and same, "
                "and say since what not_since is to look"
            )
        return when

    def holds(self, view: View) -> bool:
        """Whether the person of the view is in it at that moment."""
        return self.when.holds(view)


def whole_reads(reads: Reads, segments: Mapping[str, Segment]) -> Reads:
    """Return what a condition may ask of a view, with what the segments that it names ask."""
    found, left = [reads], set(reads.segments)
    seen: set[str] = set()
    while left:
        seen.add(name := left.pop())
        inner = segments[name].when.reads
        found.append(inner)
        left |= inner.segments - seen
    return Reads.all_of(found)


def _sound(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    names = [each.name for each in segments]
    check_differ(names, "", "segments")
    check_known({name for each in segments for name in each.when.reads.segments}, names)
    inner = {each.name: each.when.reads.segments for each in segments}
    for position, name in enumerate(names):
        if circle := _circle(name, inner):
            raise ValueError(f"[{position}].when: segments go round in a circle: {' -> '.join(circle)}")
    return segments


def check_known(asked: Iterable[str], names: Iterable[str]) -> None:
    """Raise ValueError where a segment is asked for that there is not."""
    if missing := sorted(set(asked) - set(names)):
        raise ValueError(f"there is no segment named {', '.join(missing)}")


def _circle(start: str, inner: Mapping[str, frozenset[str]]) -> list[str] | None:
    """Return a way from a segment through those it names and back to it; None where there is none."""
    ways, seen = [[start]], set[str]()
    while ways:
        way = ways.pop()
        for name in sorted(inner[way[-1]]):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return None


Segments = Annotated[tuple[Segment, ...], AfterValidator(_sound)]
"""All segments of a policy file, in its order: of different names, and none part of itself."""


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """The segments of a policy, by what can change who is in them.

    Attributes:
        by_name: All of them, in the file's order.
        watched: Names of those that look at features, intent, the best hour, learned segments or the profile, which
            nobody can tell the next change of.
        digests: Name -> what changes with all that can change who is in it.
        windows_us: Name -> how far it looks back, in microseconds; `EVER_US` is all there is.
    """

    by_name: Mapping[str, Segment]
    watched: frozenset[str]
    digests: Mapping[str, str]
    windows_us: Mapping[str, int]
    _by_event: Mapping[int | str, tuple[str, ...]]
    _parts: Mapping[str, tuple[Segment, ...]]

    def touched_by(self, kind: int, name: str) -> tuple[str, ...]:
        """Return the names of the segments that an event may let somebody enter or leave."""
        return of_event(self._by_event, kind, name)

    def lapses_at(self, names: Iterable[str], view: View) -> int | None:
        """Return when time alone may first change who is in one of these, in microseconds; None if it never does."""
        parts = {each.name: each for name in names for each in self._parts[name]}
        return min(filter(None, (each.when.lapses_at(view) for each in parts.values())), default=None)


def segment_rules(segments: tuple[Segment, ...]) -> SegmentRules:
    """Return the rules of these segments."""
    by_name = {each.name: each for each in segments}
    reads = {each.name: whole_reads(each.when.reads, by_name) for each in segments}
    watched = frozenset(
        name
        for name, each in reads.items()
        if each.features or each.intents or each.profile or each.send_hour or each.learned
    )
    looked_for = {
        name: [ANY] if each.everything or name in watched else sorted(each.events) for name, each in reads.items()
    }
    parts = {
        each.name: (each, *(by_name[name] for name in sorted(reads[each.name].segments - {each.name})))
        for each in segments
    }
    return SegmentRules(
        by_name=by_name,
        watched=watched,
        digests={name: _digest(found) for name, found in parts.items()},
        windows_us={name: each.window_us for name, each in reads.items()},
        _by_event=by_event((event, name) for name, events in looked_for.items() for event in events),
        _parts=parts,
    )


def _digest(parts: tuple[Segment, ...]) -> str:
    content = json.dumps([each.when.model_dump(mode="json") for each in parts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
