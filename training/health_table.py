"""Health on a screen: one line a check, then each trigger's funnel and weeks, as wide as the terminal."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from training.funnel import Funnel
from training.health_report import Health
from training.lineage import iso
from training.weekly import Week

NAME, STATUS = 18, 8
COLUMNS: Final = ("decided", "withheld", "sent", "delivered", "opened", "clicked", "ordered")
GAP: Final = "  "


def lines(found: Health, width: int) -> Iterator[str]:
    """Yield the lines of a terminal that is so wide."""
    day = "day" if found.days == 1 else "days"
    yield f"As of {iso(found.at_us)}, over {found.days:g} {day}: {found.status.value}"
    yield ""
    for check in found.checks:
        head = f"{check.name:{NAME}}{check.status.value:{STATUS}}"
        yield from textwrap.wrap(
            check.words, width, initial_indent=head, subsequent_indent=" " * (NAME + STATUS), break_on_hyphens=False
        )
    if found.funnels:
        yield ""
        yield from _table(("trigger", *COLUMNS, "by machines"), map(_funnel, found.funnels), width)
        for each in found.funnels:
            yield from _beside(each, width)
    if found.weeks:
        yield ""
        heads = ("week from", "trigger", "sent", "ordered", "withheld", "ordered", "")
        yield from _table(heads, map(_week, found.weeks), width)
        yield from textwrap.wrap(
            "Without a hold-out the share that ordered is no effect: nobody knows who would have ordered anyway. "
            "An interval of one week is no verdict: make report judges.",
            width,
        )


def _funnel(found: Funnel) -> list[str]:
    return [found.trigger, *(f"{found.stages[each]:,}" for each in COLUMNS), f"{found.machines:,}"]


def _beside(found: Funnel, width: int) -> Iterator[str]:
    """Yield why a trigger's decisions sent nothing, and where what it sent is stuck."""
    for words, counts in (("held", found.held), ("not delivered", found.undelivered)):
        if counts:
            told = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
            yield from textwrap.wrap(f"{found.trigger} {words}: {told}", width, subsequent_indent=GAP)


def _week(found: Week) -> list[str]:
    sent, withheld = (
        (f"{each.users:,}", "–" if each.rate is None else f"{each.rate:.1%}") for each in (found.sent, found.withheld)
    )
    return [iso(found.since)[:10], found.trigger, *sent, *withheld, found.words]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    """Yield aligned rows, words to the left and numbers to the right; what is too long for a line goes on below."""
    every = [heads, *rows]
    columns = list(zip(*every, strict=True))
    aligned = [">" if all(each[:1].isdigit() or each == "–" for each in column[1:]) else "<" for column in columns]
    widths = [max(map(len, column)) for column in columns]
    for row in every:
        line = GAP.join(f"{cell:{to}{wide}}" for cell, to, wide in zip(row, aligned, widths, strict=True))
        yield from textwrap.wrap(line.rstrip(), width, subsequent_indent=GAP, break_on_hyphens=False)
