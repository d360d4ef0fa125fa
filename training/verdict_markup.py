"""How the page of a model begins: its name, whether it was promoted, and what each rule of the gate says."""

from training.gate import Verdict
from training.markup import STYLE, table, text


def opening(title: str, verdict: Verdict) -> str:
    """Return the beginning of a page as HTML, up to the table of the rules."""
    return "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{text(title)}</title><style>{STYLE}</style>",
            f"<h1>{text(title)}</h1>",
            f'<p class="verdict{"" if verdict.promoted else " refused"}"><b>',
            f"{'Promoted' if verdict.promoted else 'Not promoted'}</b>: {text(verdict.reason)}</p>",
            table(
                ("rule", "", ""),
                [(each.name, "holds" if each.holds else "broken", each.words) for each in verdict.rules],
            ),
        )
    )
