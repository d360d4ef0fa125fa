"""The report of one training run: a single HTML file that needs nothing else."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.evaluate import deciles
from training.gate import Verdict
from training.learning import Learned

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1040px;margin:2rem auto;padding:0 1rem;color:#1c2430}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.25rem .7rem;border-bottom:1px solid #dde3ea;text-align:left}td+td,th+th{text-align:right}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:1rem}img{width:100%}
.verdict{padding:.6rem 1rem;border-left:4px solid #2a7;background:#f0f8f4}.refused{border-color:#c62;background:#fbf3ee}
"""
FIGURES = ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error")


def page(
    name: str, version: str | None, learned: Learned, verdict: Verdict, lineage: dict[str, Any], plots: dict[str, Path]
) -> str:
    """Return the report of a model as HTML.

    Args:
        name: As registered.
        version: As registered; None before that.
        learned: The model and its figures.
        verdict: Of the gate.
        lineage: Where it comes from.
        plots: PNG files by title.
    """
    title = name if version is None else f"{name}, version {version}"
    return "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(title)}</title><style>{STYLE}</style>",
            f"<h1>{_text(title)}</h1>",
            f'<p class="verdict{"" if verdict.promoted else " refused"}"><b>',
            f"{'Promoted' if verdict.promoted else 'Not promoted'}</b>: {_text(verdict.reason)}</p>",
            table(
                ("rule", "", ""),
                [(each.name, "holds" if each.holds else "broken", each.words) for each in verdict.rules],
            ),
            "<h2>On rows that nothing was learned from</h2>",
            _summary(learned),
            table(("", *FIGURES), _figures(learned)),
            "<h2>A rule of thumb: two orders or more in seven days</h2>",
            table(("", "precision", "recall"), _budget(learned)),
            "<h2>Plots</h2><div class=plots>",
            *(f'<figure><img alt="{_text(each)}" src="{_inline(path)}"></figure>' for each, path in plots.items()),
            "</div><h2>By tenth of the score, the lowest first</h2>",
            table(("", "mean score", "share that ordered", "rows"), _tenths(learned)),
            "<h2>Features</h2>",
            f"<p>{len(learned.features)} in the model. {_left_out(learned)}</p>",
            "<h2>Where it comes from</h2>",
            table(("", ""), _flat({**lineage, "parameters": learned.parameters})),
            "</html>",
        )
    )


def _summary(learned: Learned) -> str:
    found = learned.judged.judgement
    own = "these included" if learned.refitted else "of which the model in service knows the first window"
    return (
        f"<p>{found.rows:,} rows, {found.positives:,} followed by an order ({found.base_rate:.1%}). "
        f"There are {learned.rows:,} matured rows, {own}. Calibrator: {learned.calibrator.described()['kind']}. "
        "Calibration error: the largest gap in any tenth of the scores.</p>"
    )


def _figures(learned: Learned) -> list[Sequence[Any]]:
    judged = learned.judged
    found = judged.judgement
    model = (found.roc_auc, found.pr_auc, found.log_loss, found.brier, found.calibration_error)
    others = ((each, *(judged.baselines[each].get(figure) for figure in FIGURES)) for each in ("logistic", "count"))
    return [("model", *model), *others]


def _budget(learned: Learned) -> list[Sequence[Any]]:
    found = learned.judged.baselines
    names = {"rule": "the rule", "model_at_rule_budget": "the model, choosing as many people"}
    return [(words, found[each]["precision"], found[each]["recall"]) for each, words in names.items()]


def _tenths(learned: Learned) -> list[Sequence[Any]]:
    found = deciles(learned.judged.predicted, learned.judged.rows.ordered)
    return [(str(i + 1), mean, rate, str(rows)) for i, (mean, rate, rows) in enumerate(found)]


def _left_out(learned: Learned) -> str:
    if not learned.drifted:
        return "None was left out for moving with the calendar."
    named = ", ".join(f"{name} ({index:.2f})" for name, index in learned.drifted.items())
    return f"Left out, because they move with the calendar (population stability index above .25): {_text(named)}."


def _flat(value: dict[str, Any], prefix: str = "") -> Iterable[Sequence[Any]]:
    for key, each in value.items():
        if isinstance(each, dict):
            yield from _flat(each, f"{prefix}{key}.")
        else:
            yield (f"{prefix}{key}", str(each) if not isinstance(each, float) else f"{each:g}")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as HTML; every cell is escaped, and what has no answer is a dash."""
    top = "".join(f"<th>{_text(each.replace('_', ' '))}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{_text(_shown(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _shown(cell: Any) -> str:
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.4f}"
        case _:
            return str(cell)


def _text(words: str) -> str:
    return html.escape(words)


def _inline(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
