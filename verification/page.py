"""The figures of pages of the documentation, between two marks each."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from verification.bars import LEVEL, Bar

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "statistics.md"


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
            "counted" if each.counted else f"{each.p_value:.3g}",
            "yes" if each.holds else "**no**",
        )
        for each in bars
    ]
    return table(("", "found", "runs", "promised", "p", f"holds (p ≥ {LEVEL})"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of a page."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
