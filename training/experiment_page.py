"""The report of one experiment as a page: a single HTML file that needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from policy.quantities import in_words
from training.comparison import Comparison, Ruling
from training.experiment import ENOUGH_CONVERSIONS, Units
from training.experiment_report import Judged, Report
from training.fixed_horizon import Estimate
from training.lineage import iso
from training.looks import Look
from training.markup import STYLE, picture, table, text
from training.sample_ratio import ALPHA
from training.subgroups import Subgroup

COLOURS = """
.continue,.inconclusive{border-color:#d9a400;background:#fdf9ec}.harm,.invalid{border-color:#c62;background:#fbf3ee}
td:first-child{white-space:nowrap}.note{color:#5a6575;font-size:.9rem}figure{margin:1rem 0}
"""
CLASSES = {Ruling.SHIP: "", Ruling.HARM: " harm", Ruling.INVALID: " invalid"}


def page(report: Report, plots: Mapping[str, Mapping[str, Path]]) -> str:
    """Return a report as HTML; `plots` are PNG files by title, for each treatment by name."""
    title = f"Experiment {report.plan.name}"
    return "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{text(title)}</title>",
            f"<style>{STYLE}{COLOURS}</style><h1>{text(title)}</h1>",
            *(_verdict(each.comparison) for each in report.judged),
            *(f"<p class=note>{text(each)}</p>" for each in report.notes),
            _facts(report),
            *(part for each in report.judged for part in _treatment(each, report, plots.get(each.comparison.arm, {}))),
            "</html>",
        )
    )


def _verdict(found: Comparison) -> str:
    style = CLASSES.get(found.verdict.ruling, f" {found.verdict.ruling.value}")
    return f'<p class="verdict{style}"><b>{text(found.verdict.sentence)}</b></p>'


def _facts(report: Report) -> str:
    units, plan = report.units, report.plan
    window = (
        "as in the table" if plan.window is None else f"within {in_words(plan.window)} of the message, sent or withheld"
    )
    facts = [
        ("counts as converted", f"one order or more, {window}"),
        ("users drawn", f"{len(units):,}"),
        ("whose window is over", f"{int(units.matured.sum()):,} of {plan.users:,} planned"),
        ("looks", f"{plan.looks} at most, which together err in {plan.alpha:.0%} of experiments without effect"),
    ]
    if units.at is not None and units.until is not None and len(units):
        facts.append(("from, until", f"{iso(int(units.at[0]))}, {iso(units.until)}"))
    return table(("", ""), facts)


def _treatment(judged: Judged, report: Report, plots: Mapping[str, Path]) -> Iterable[str]:
    found = judged.comparison
    if len(report.judged) > 1:
        yield f"<h1>{text(found.arm)} beside {text(report.units.arms[0])}</h1>"
    yield "<h2>1. Are the arms of the sizes they were drawn for?</h2>"
    yield _ratio(found, report.units)
    if found.verdict.ruling is Ruling.INVALID:
        return
    yield "<h2>2. Is it better?</h2>"
    yield _primary(found)
    yield from (picture(title, plots[title]) for title in plots if title not in (GROUPS, FUNNEL))
    if found.looks:
        yield table(LOOK_HEAD, [_look(each) for each in found.looks[-MOST_LOOKS_SHOWN:]])
    yield "<h2>3. Does it do harm?</h2>"
    yield _guardrails(found)
    yield "<h2>4. At the end</h2>"
    yield _ending(judged)
    yield "<h2>5. For whom?</h2>"
    yield _groups(judged.groups)
    yield from (picture(title, plots[title]) for title in plots if title == GROUPS)
    yield "<h2>6. Delivery and engagement</h2>"
    yield _funnel(report.units, judged.arm)
    yield from (picture(title, plots[title]) for title in plots if title == FUNNEL)


GROUPS, FUNNEL = "Effect by group", "From being drawn to an order"
MOST_LOOKS_SHOWN = 40
LOOK_HEAD = (
    "look",
    "control",
    "treatment",
    "of plan",
    "difference, points",
    "holds at all planned looks",
    "holds at every moment",
    "z",
    "bound",
)


def _ratio(found: Comparison, units: Units) -> str:
    ratio = found.ratio
    if ratio is None:
        return "<p>Not checked: nobody said which share of users each arm was to get.</p>"
    rows = [
        (name, f"{count:,}", f"{expected:,.1f}")
        for name, count, expected in zip(units.arms, ratio.counts, ratio.expected, strict=True)
    ]
    said = "No" if ratio.invalid else "Yes, as far as can be told"
    evidence = f"{np.exp(min(ratio.log_e_value, 700.0)):,.2f}"
    return (
        f"<p>{said}. Asked on every day; the evidence against it was {evidence} at most, where {1 / ALPHA:.0f} would "
        f"stop the experiment.</p>{table(('arm', 'users', 'expected'), rows)}"
    )


def _primary(found: Comparison) -> str:
    if not found.looks or found.belief is None:
        return "<p>Nobody's window is over yet.</p>"
    now = found.looks[-1]
    enough = "" if now.has_enough else f" Nothing is said before each arm has {ENOUGH_CONVERSIONS} conversions."
    early = found.verdict.look
    optimistic = (
        " An effect that ended an experiment early is, on average, smaller than it looked then."
        if early is not None and early.is_planned and early.time < 1.0
        else ""
    )
    return (
        f"<p>{_share(now.treatment.rate)} convert with {text(found.arm)} and {_share(now.control.rate)} without."
        f"{enough}{optimistic} As a description that decides nothing: it is the better one with a probability of "
        f"{found.belief.better:.1%}; shipping it and being wrong would cost {found.belief.loss_if_shipped * 1000:.2f} "
        f"orders in 1,000 users on average, not shipping it and being wrong {found.belief.loss_if_kept * 1000:.2f}.</p>"
    )


def _look(look: Look) -> Sequence[Any]:
    return (
        "all" if look.at is None else iso(look.at)[:10],
        f"{look.control.conversions:,} of {look.control.users:,}",
        f"{look.treatment.conversions:,} of {look.treatment.users:,}",
        f"{look.time:.0%}",
        f"{100 * look.estimate:+.2f}",
        _interval(look.low, look.high),
        _interval(look.always_low, look.always_high),
        f"{look.estimate / look.error:+.2f}",
        None if look.bound is None else f"{look.bound:.3f}",
    )


def _guardrails(found: Comparison) -> str:
    if not found.guardrails:
        return (
            "<p>Not known: nobody reports what becomes of messages, so unsubscriptions and complaints are not seen.</p>"
        )
    rows = [
        (
            each.name,
            f"{each.control.conversions:,} of {each.control.users:,}",
            f"{each.treatment.conversions:,} of {each.treatment.users:,}",
            _interval(each.low, each.high),
            f"{100 * each.margin:+.2f}",
            each.standing.value,
        )
        for each in found.guardrails
    ]
    head = ("", "control", "treatment", "rise, points (one-sided 95 % bounds)", "allowed", "")
    return table(head, rows)


def _ending(judged: Judged) -> str:
    if judged.ending is None:
        return "<p>Comes with the last look: numbers that are only right if they are looked at once.</p>"
    end = judged.ending
    revenue = "" if end.revenue is None else f"<p>Revenue. {text(end.revenue)}</p>"
    head = ("", "control", "treatment", "difference", "95 %", "p", "p corrected", "how")
    return (
        "<p>These numbers know nothing of earlier looks: they explain the verdict above and do not replace it.</p>"
        + table(head, [_estimate(each) for each in (*end.primary, *end.secondary)])
        + revenue
    )


def _estimate(found: Estimate) -> Sequence[Any]:
    return (
        found.name,
        found.control,
        found.treatment,
        f"{found.effect:+.4f}",
        None if found.low is None or found.high is None else f"{found.low:+.4f} to {found.high:+.4f}",
        found.p_value,
        found.adjusted,
        found.method,
    )


def _groups(groups: Sequence[Subgroup]) -> str:
    if not groups:
        return "<p>There is nothing to split users by.</p>"
    head = ("", "", "control", "treatment", "difference, points", "more than elsewhere, points", "")
    rows = [
        (
            each.by,
            each.value,
            f"{each.control.conversions:,} of {each.control.users:,}",
            f"{each.treatment.conversions:,} of {each.treatment.users:,}",
            None
            if each.effect is None
            else f"{100 * each.effect:+.2f} ({_interval(each.effect_low, each.effect_high)})",
            _interval(each.low, each.high),
            "differs" if each.differs else "",
        )
        for each in groups
    ]
    return (
        "<p>Intervals allow for the number of groups. A difference that is not marked may well be chance.</p>"
        + table(head, rows)
    )


def _funnel(units: Units, arm: int) -> str:
    stages = {"drawn": np.ones(len(units), dtype=np.bool_), **units.stages, "ordered": units.converted}
    rows = [
        (name, *(f"{int(happened[units.arm == each].sum()):,}" for each in (0, arm)))
        for name, happened in stages.items()
    ]
    return table(("", units.arms[0], units.arms[arm]), rows)


def _interval(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{100 * low:+.2f} to {100 * high:+.2f}"


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.2%}"
