"""What two policies decided about the same events, side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from features.moments import DAY_US
from serving.rehearsal import Rehearsed

_HEADS: Final = ("trigger", "sends", "", "control", "", "both", "only present", "only other")


@dataclass
class Side:
    """What one policy decided for one trigger."""

    sends: int = 0
    control: int = 0
    holds: Counter[str] = field(default_factory=Counter)
    objections: Counter[str] = field(default_factory=Counter)
    """How often each guard spoke against a message that was held; several may at once."""
    days: set[tuple[str, int]] = field(default_factory=set)
    """Who was sent something on which day since 1970 (UTC)."""

    def add(self, decision: Rehearsed) -> None:
        """Count a decision."""
        if decision.action == "hold":
            self.holds[decision.reason] += 1
            self.objections.update({each.guard for each in decision.findings if each.objection})
        elif decision.action == "control":
            self.control += 1
        else:
            self.sends += 1
            self.days.add((decision.user_key, decision.at // DAY_US))

    def as_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return {
            "sends": self.sends,
            "control": self.control,
            "holds": dict(self.holds.most_common()),
            "objections": dict(self.objections.most_common()),
        }


@dataclass
class Pair:
    """Both policies' decisions for one trigger."""

    present: Side = field(default_factory=Side)
    other: Side = field(default_factory=Side)

    @property
    def both(self) -> int:
        """How many messages both send: to the same user, of this trigger, on the same day."""
        return len(self.present.days & self.other.days)

    @property
    def only_present(self) -> int:
        """How many only the present policy sends."""
        return len(self.present.days - self.other.days)

    @property
    def only_other(self) -> int:
        """How many only the other policy sends."""
        return len(self.other.days - self.present.days)


@dataclass(frozen=True)
class Comparison:
    """Both policies, by trigger, in the order in which these first decided."""

    triggers: dict[str, Pair]

    def as_json(self) -> dict[str, Any]:
        """Return all numbers by trigger."""
        return {
            "triggers": {
                name: {
                    "present": pair.present.as_json(),
                    "other": pair.other.as_json(),
                    "both": pair.both,
                    "only_present": pair.only_present,
                    "only_other": pair.only_other,
                }
                for name, pair in self.triggers.items()
            }
        }


def compare(present: Iterable[Rehearsed], other: Iterable[Rehearsed]) -> Comparison:
    """Put the decisions of two policies side by side."""
    triggers: dict[str, Pair] = {}
    for decision in present:
        triggers.setdefault(decision.trigger, Pair()).present.add(decision)
    for decision in other:
        triggers.setdefault(decision.trigger, Pair()).other.add(decision)
    return Comparison(triggers)


def table(found: Comparison) -> str:
    """Return the comparison as text: messages of each trigger, and below why others were held."""
    rows: list[tuple[str, ...]] = [_HEADS, ("", "present", "other", "present", "other", "", "", "")]
    rows += [(name, *map(_count, _numbers(pair))) for name, pair in found.triggers.items()]
    held: list[tuple[str, ...]] = [("held by reason", "present", "other")]
    objected: list[tuple[str, ...]] = [("guards that objected", "present", "other")]
    for name, pair in found.triggers.items():
        held += _counts(name, pair.present.holds, pair.other.holds)
        objected += _counts(name, pair.present.objections, pair.other.objections)
    tables = [rows, held, *([objected] if len(objected) > 1 else [])]
    return "\n\n".join(map(_aligned, tables)) + "\n"


def _counts(name: str, present: Counter[str], other: Counter[str]) -> list[tuple[str, ...]]:
    """Return a row for each word that was counted on either side, the most frequent first."""
    ordered = sorted(dict.fromkeys([*present, *other]), key=lambda each: -max(present[each], other[each]))
    return [(f"{name}: {each}", _count(present[each]), _count(other[each])) for each in ordered]


def _numbers(pair: Pair) -> tuple[int, ...]:
    one, two = pair.present, pair.other
    return one.sends, two.sends, one.control, two.control, pair.both, pair.only_present, pair.only_other


def _count(number: int) -> str:
    return f"{number:,}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )
