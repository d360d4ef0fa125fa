"""The report of a model of send hours: a single HTML file that needs nothing else."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from training.gate import Verdict
from training.hour_value import HourValue
from training.markup import picture, table, text
from training.plots import saved
from training.response_choice import NAMES as WAYS
from training.response_choice import Chosen
from training.send_hour_judge import TENTHS
from training.send_hours import HoursLearned
from training.verdict_markup import opening

FIGURES = ("hit_at_1", "hit_at_3", "mrr", "log_loss")
NAMES = {
    "model": "the model",
    "champion": "the champion",
    "profile": "the profile alone",
    "trees": "LightGBM on top of it",
    "global": "everybody's hours",
    "histogram": "their own histogram",
    "median": "the median of their hours",
}
MOST_SHOWN = 400
"""People in the heat map."""


def page(title: str, learned: HoursLearned, verdict: Verdict, found: dict[str, Any]) -> str:
    """Return the report as HTML.

    Args:
        title: Name and version as registered.
        learned: The model and the people it was judged by.
        verdict: Of the gate.
        found: The figures of the summary.
    """
    with tempfile.TemporaryDirectory() as folder:
        pictures = [
            picture(each, saved(Path(folder) / f"{name}.png", each, paint))
            for name, each, paint in (
                ("heat", "People by hour: their scores, sorted by best hour", lambda axes: _heat(axes, learned)),
                ("reliability", "Reliability, by tenth of the scores", lambda axes: _reliability(axes, learned)),
            )
        ]
    return "".join(
        (
            opening(title, verdict),
            _meaning(learned),
            *_from_sends(learned.chosen),
            f"<h2>What {len(learned.judged_by):,} people did after all that was learned from</h2>",
            "<p>The 24 hours of a person's own day, tried from the best one on; each person counts once.</p>",
            table(("", *FIGURES), _rows(found)),
            f"<p>Calibration error: {found['calibration_error']:.4f}, the largest gap in any tenth of the scores.</p>",
            *_choices(learned),
            "<h2>By how much was known of them</h2>",
            table(("events", "people", "", *FIGURES), _by_history(found)),
            "<h2>Plots</h2><div class=plots>",
            *pictures,
            "</div><h2>The model</h2>",
            table(("", ""), _model(learned, found)),
            "</html>",
        )
    )


def _meaning(learned: HoursLearned) -> str:
    if learned.model.response is not None:
        return (
            "<p><b>This is response</b>: the scores say how likely people answer to a message at an hour. Plots and "
            "figures of hits below are of the hours at which they are there, on which these are built.</p>"
        )
    return (
        "<p><b>This is activity, not response</b>: the hours at which people are there, told from what they did. "
        "Nothing here says how many more of them answer to a message that comes at such an hour.</p>"
    )


def _choices(learned: HoursLearned) -> Iterator[str]:
    """Yield why the profile has trees on top or not, and whether hours are told by the kind of day."""
    yield f"<h2>What was chosen, and why</h2><p>Of {text(learned.trees.reason)}.</p>"
    yield f"<p>Hours are told {text(learned.days.reason)}.</p>"
    rules = {"hours of any day": learned.days.alike, "by kind of day": learned.days.told_apart}
    judged = [(name, *(getattr(its, key) for key in FIGURES)) for name, its in rules.items() if its is not None]
    if judged:
        yield table(("on later days, each by its kind", *FIGURES), judged)


def _from_sends(chosen: Chosen | None) -> Iterator[str]:
    """Yield what messages told, and why hours are told by them or not."""
    if chosen is None:
        return
    yield "<h2>What messages told</h2>"
    yield f"<p>{chosen.sends:,} messages, {chosen.answers:,} of them answered within a day, enough at {chosen.hours} "
    yield f"of 24 hours. Learned from {chosen.reason}.</p>"
    if chosen.log_loss is not None:
        yield table(("told by", "log-loss"), [(WAYS[each], f"{loss:.4f}") for each, loss in chosen.log_loss.items()])
        yield f"<p>Calibration error of what was learned from messages: {chosen.calibration_error:.4f}; that of a "
        yield f"perfect model would be up to {chosen.calibration_by_chance:.4f} in 19 of 20 cases.</p>"
    if chosen.values:
        yield "<p>Share of messages that would be answered at the best hour by each rule, where hours were drawn:</p>"
        head = ("hours by", "as they went out", "self-normalised", "doubly robust", "messages it is told by")
        yield table(head, map(_value, chosen.values))
    elif chosen.log_loss is not None:
        yield "<p>No hours were drawn by chance, or too few: what other hours would have been worth is not known.</p>"


def _value(found: HourValue) -> Sequence[Any]:
    estimates = (found.self_normalised, found.doubly_robust)
    told = (f"{each:.2%} ({low:.2%} to {high:.2%})" for each, low, high in estimates)
    return (WAYS[found.rule], f"{found.usual:.2%}", *told, f"{found.effective:,.0f}")


def _rows(found: dict[str, Any]) -> Iterable[Sequence[Any]]:
    for name, words in NAMES.items():
        its = found if name == "model" else found.get(name)
        if its is not None:
            yield (words, *(its[each] for each in FIGURES))


def _by_history(found: dict[str, Any]) -> Iterable[Sequence[Any]]:
    """Yield how good each rule was for people of each amount of history."""
    for band in found["by_history"]:
        least, most = band["events"]
        events = f"{least} and more" if most is None else f"{least} to {most}"
        for name in (each for each in NAMES if each in band):
            yield (events, f"{band['people']:,}", NAMES[name], *(band[name][each] for each in FIGURES))
            events = ""


def _model(learned: HoursLearned, found: dict[str, Any]) -> Iterable[Sequence[Any]]:
    everybody = learned.model.everybody
    return (
        ("events of their own that weigh as much as the prior", f"{found['strength']:.2f}"),
        ("cohorts", str(found["cohorts"])),
        ("events of a visit", f"{found['events_per_visit']:.2f}"),
        ("everybody's best hour", f"{int(everybody.argmax())}:00, {everybody.max():.1%} of activity"),
    )


def _heat(axes: Axes, learned: HoursLearned) -> None:
    scores = learned.scores["model"]
    shown = scores[np.random.default_rng(0).permutation(len(scores))[:MOST_SHOWN]]
    shown = shown[np.lexsort((shown.max(axis=1), shown.argmax(axis=1)))]
    axes.imshow(shown, aspect="auto", cmap="viridis", interpolation="nearest")
    axes.set(xlabel="hour of the person's own day", ylabel="people", xticks=range(0, 24, 3), yticks=[])


def _reliability(axes: Axes, learned: HoursLearned) -> None:
    later = learned.judged_by.later
    shares = (later / later.sum(axis=1, keepdims=True)).ravel()
    top = 0.0
    for name in ("model", "global"):
        scores = learned.scores[name].ravel()
        tenths = np.array_split(np.argsort(scores, kind="stable"), TENTHS)
        mean, came = ([float(values[each].mean()) for each in tenths] for values in (scores, shares))
        axes.plot(mean, came, marker="o", markersize=3, label=NAMES[name])
        top = max(top, *mean, *came)
    axes.plot([0, top], [0, top], color="grey", linestyle=":")
    axes.set(xlabel="mean score", ylabel="share of what they did later")
    axes.legend(fontsize=8)
