"""Segments: people named by what holds for them, whatever just happened."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from policy.comparisons import Block
from policy.conditions import Condition, When
from policy.names import Name
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
        if when.reads.asking or when.reads.since_event:
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
    named, found = set(reads.segments), [reads]
    while named:
        inner = segments[named.pop()].when.reads
        found.append(inner)
        named |= inner.segments - {name for each in found[:-1] for name in each.segments}
    return Reads.all_of(found)


def _sound(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    names = [each.name for each in segments]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two segments have the same name: {', '.join(twice)}")
    check_known({name for each in segments for name in each.when.reads.segments}, names)
    inner = {each.name: each.when.reads.segments for each in segments}
    for name in names:
        if circle := _circle(name, inner):
            raise ValueError(f"segments go round in a circle: {' -> '.join(circle)}")
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
