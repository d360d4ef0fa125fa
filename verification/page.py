"""The figures of `docs/statistics.md`, as tables between two marks of that page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from training.fixed_horizon import Estimate
from verification.arm_sizes import Sizes
from verification.asos import Called
from verification.bars import LEVEL, Bar
from verification.hillstrom import PUBLISHED
from verification.peeking import Tally

PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Put text between the marks of that name.

    Raises:
        ValueError: The page has no place for it.
    """
    place = re.compile(rf"(<!-- {name}, written by `make verify-statistics` -->\n\n)(.*?)(\n<!-- end -->)", re.DOTALL)
    found, times = place.subn(lambda each: each[1] + text + each[3], page.read_text(encoding="utf-8"))
    if times != 1:
        raise ValueError(f"{page} has no place for {name}")
    page.write_text(found, encoding="utf-8")


def bars_table(bars: Sequence[Bar]) -> str:
    """Return every promise with what was found."""
    rows = [
        (
            each.name,
            f"{each.rate:.2%}",
            f"{each.hits:,} of {each.runs:,}",
            f"at {each.side} {each.nominal:.0%}",
            f"{each.p_value:.3g}",
            "yes" if each.holds else "**no**",
        )
        for each in bars
    ]
    head = ("", "found", "runs", "promised", "p", f"holds (p ≥ {LEVEL})")
    return _table(head, rows)


def sentences(null: Tally, planned: Tally, sizes: Sizes, users: int) -> str:
    """Return what else was seen, in sentences."""
    soon = sorted(sizes.found)
    half = soon[len(soon) // 2] if soon else None
    used = sum(planned.saved) / len(planned.saved) if planned.saved else float("nan")
    return (
        f"Planned were {users:,} users. A fixed test at each look calls {null.naive / null.runs:.1%} of the "
        "experiments without effect, where it is only asked from 20 conversions in each arm on "
        f"{null.naive_enough / null.runs:.1%}. Experiments with the planned effect that ended with a verdict had used "
        f"{used:.0%} of the planned users on average. A χ² test of the arm sizes at p < .01 on each of 60 days calls "
        f"{sizes.chi_square / sizes.runs:.1%} of sound experiments invalid. The defect was found by day {half} in half "
        f"of the defective ones, and within 60 days in {len(soon) / sizes.runs:.1%}.\n"
    )


def asos_table(called: Sequence[Called]) -> str:
    """Return what each rule calls on the real comparisons, and when."""
    rules: dict[str, list[float]] = {
        "fixed test at each checkpoint, \\|z\\| > 1.96": [each.naive for each in called if each.naive is not None],
        "planned looks with their bounds": [each.guarded for each in called if each.guarded is not None],
        "confidence sequence at each checkpoint": [each.always for each in called if each.always is not None],
        "fixed test, once, at the end": [each.days for each in called if each.at_end],
    }
    false = {
        name: sum(not each.at_end for each in called if getattr(each, field) is not None)
        for name, field in zip(rules, ("naive", "guarded", "always"), strict=False)
    }
    rows = [(name, str(len(days)), f"{_middle(days):.1f}", str(false.get(name, 0))) for name, days in rules.items()]
    head = ("rule", "comparisons called", "median day", "of them not significant at the end")
    return _table(head, rows)


def asos_calls(called: Sequence[Called]) -> str:
    """Return every comparison that the bounds or the fixed test ever call."""
    rows = [
        (
            each.experiment,
            f"{each.days:.1f}",
            str(each.looks),
            _day(each.naive),
            _day(each.guarded),
            _day(each.always),
            "yes" if each.at_end else "no",
            f"{each.effect:+.2%}",
        )
        for each in called
        if each.naive is not None or each.guarded is not None
    ]
    head = ("comparison", "days", "planned looks", "fixed test", "bounds", "sequence", "at the end", "effect")
    return _table(head, rows)


def hillstrom_table(found: Mapping[tuple[str, str], Estimate]) -> str:
    """Return the published effects beside the reproduced ones."""
    rows = [
        (
            f"{arm} e-mail, {outcome}",
            f"{said.effect:+.3f} ({said.low:.3f} to {said.high:.3f})",
            f"{100 * ours.effect:+.3f} ({100 * ours.low:.3f} to {100 * ours.high:.3f})",
        )
        for (outcome, arm), said in PUBLISHED.items()
        for ours in [found[(outcome, arm)]]
    ]
    return _table(("", "published, percentage points", "here"), rows)


def _middle(days: Sequence[float]) -> float:
    return sorted(days)[len(days) // 2] if days else float("nan")


def _day(day: float | None) -> str:
    return "–" if day is None else f"day {day:.1f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
