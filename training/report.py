"""The report of one training run: a single HTML file that needs nothing else."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.evaluate import deciles
from training.gate import Verdict
from training.learning import Learned
from training.markup import picture, table, text
from training.verdict_markup import opening

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
            opening(title, verdict),
            "<h2>On rows that nothing was learned from</h2>",
            _summary(learned),
            table(("", *FIGURES), _figures(learned)),
            "<h2>A rule of thumb: two orders or more in seven days</h2>",
            table(("", "precision", "recall"), _budget(learned)),
            "<h2>Plots</h2><div class=plots>",
            *(picture(each, path) for each, path in plots.items()),
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
        f"Of the decision points {learned.messages.words}. "
        "Calibration error: the largest gap in any tenth of the scores; "
        f"that of a perfect model would be up to {learned.judged.calibration_by_chance:.4f} in 19 of 20 cases.</p>"
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
    found = deciles(learned.judged.predicted, learned.judged.rows.ordered, learned.judged.rows.weight)
    return [(str(i + 1), mean, rate, str(rows)) for i, (mean, rate, rows) in enumerate(found)]


def _left_out(learned: Learned) -> str:
    if not learned.drifted:
        return "None was left out for moving with the calendar."
    named = ", ".join(f"{name} ({index:.2f})" for name, index in learned.drifted.items())
    return f"Left out, because they move with the calendar (population stability index above .25): {text(named)}."


def _flat(value: dict[str, Any], prefix: str = "") -> Iterable[Sequence[Any]]:
    for key, each in value.items():
        if isinstance(each, dict):
            yield from _flat(each, f"{prefix}{key}.")
        else:
            yield (f"{prefix}{key}", str(each) if not isinstance(each, float) else f"{each:g}")
