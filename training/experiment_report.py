"""All that a report says of one experiment: comparisons, what is said at the end, groups; and its summary as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.comparison import Comparison, Ruling, compare
from training.experiment import Plan, Units
from training.fixed_horizon import Ending, ending
from training.lineage import iso
from training.looks import Look
from training.subgroups import Subgroup, subgroups


@dataclass(frozen=True)
class Judged:
    """One comparison, with what is said at its end and of groups.

    Attributes:
        comparison: Looks and verdict.
        arm: Which of the units' arms the treatment is.
        ending: The numbers of the last look; None before it, and where the arms cannot be compared.
        groups: Effects by group; empty where the arms cannot be compared.
    """

    comparison: Comparison
    arm: int
    ending: Ending | None
    groups: tuple[Subgroup, ...]


@dataclass(frozen=True)
class Report:
    """One experiment, judged.

    Attributes:
        plan: What was planned.
        units: Whoever was drawn.
        judged: Each treatment beside control.
        notes: What a reader must know of the data, in sentences.
    """

    plan: Plan
    units: Units
    judged: tuple[Judged, ...]
    notes: tuple[str, ...]


def judge(units: Units, plan: Plan, notes: Sequence[str] = ()) -> Report:
    """Judge an experiment.

    Raises:
        NoExperiment: Only one arm has anybody in it.
    """
    found = [_judged(units, plan, each) for each in compare(units, plan)]
    said = [*notes]
    if not plan.registered:
        by_rate = "were calculated from the conversion rate of all arms together"
        reckoned = "are taken for it, all that the table has" if plan.window is None else by_rate
        said.append(
            f"Nobody planned beforehand how many users this needs. {plan.users:,} {reckoned}; say it before the next "
            "experiment begins."
        )
    if plan.shares is None:
        said.append("Nobody said which share of users each arm was to get, so the sample ratio was not checked.")
    if units.conflicts:
        said.append(
            f"{units.conflicts:,} people were seen in two arms, after ids of theirs were linked; each counts in the "
            "arm of their first message, sent or withheld."
        )
    return Report(plan, units, tuple(found), tuple(said))


def _judged(units: Units, plan: Plan, found: Comparison) -> Judged:
    arm = units.arms.index(found.arm)
    if found.verdict.ruling is Ruling.INVALID or not found.looks:
        return Judged(found, arm, None, ())
    matured = units.take(units.matured)
    last = found.last or found.verdict.look
    end = None
    if last is not None:
        known = matured if last.at is None or units.matured_at is None else units.take(units.matured_at <= last.at)
        end = ending(known, arm, plan)
    return Judged(found, arm, end, tuple(subgroups(matured, arm, alpha=plan.alpha)))


def as_json(report: Report) -> dict[str, Any]:
    """Return the summary of a report; what has no answer is None."""
    plan = report.plan
    return {
        "experiment": plan.name,
        "planned_users": plan.users,
        "planned_beforehand": plan.registered,
        "window_s": None if plan.window is None else plan.window.total_seconds(),
        "users": len(report.units),
        "matured_users": int(report.units.matured.sum()),
        "shares": None if plan.shares is None else dict(zip(report.units.arms, plan.shares, strict=True)),
        "notes": list(report.notes),
        "treatments": {each.comparison.arm: _comparison(each) for each in report.judged},
    }


def _comparison(judged: Judged) -> dict[str, Any]:
    found, end = judged.comparison, judged.ending
    ratio = found.ratio
    return {
        "verdict": found.verdict.ruling.value,
        "sentence": found.verdict.sentence,
        "sample_ratio": None if ratio is None else {**ratio._asdict(), "invalid": ratio.invalid},
        "looks": [look_as_json(each) for each in found.looks],
        "belief": None if found.belief is None else found.belief._asdict(),
        "guardrails": [
            {**each._asdict(), "control": each.control._asdict(), "treatment": each.treatment._asdict()}
            | {"standing": each.standing.value}
            for each in found.guardrails
        ],
        "end": None
        if end is None
        else {
            "primary": [each._asdict() for each in end.primary],
            "secondary": [each._asdict() for each in end.secondary],
            "revenue": end.revenue,
        },
        "groups": [
            {**each._asdict(), "control": each.control._asdict(), "treatment": each.treatment._asdict()}
            | {"differs": each.differs}
            for each in judged.groups
        ],
    }


def look_as_json(look: Look) -> dict[str, Any]:
    """Return one look: its moment in ISO 8601, its counts and its numbers."""
    return {
        **look._asdict(),
        "at": None if look.at is None else iso(look.at),
        "control": look.control._asdict(),
        "treatment": look.treatment._asdict(),
    }
