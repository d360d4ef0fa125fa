"""The twelve weeks as a picture: what was sent, what the log said of thresholds, what was truly earned."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.closed_loop import LEARNED_ON, MILLE, WEEK, Story
from training.loop_trial import DAYS
from training.thresholds import Curve

NAMES = {"none": "nobody", "rule": "the cart rule", "always": "after every visit", "learned": "what was learned"}
COLOURS = {"none": "#9aa5b1", "rule": "#d9822b", "always": "#b5a7c9", "learned": "#1f8a5b"}


def draw(path: Path, story: Story) -> None:
    """Draw three panels into a PNG file."""
    figure = Figure(figsize=(13.5, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    sent, thresholds, earned = figure.subplots(1, 3)
    _sent(sent, story)
    _thresholds(thresholds, story)
    _earned(earned, story)
    for each in (sent, thresholds, earned):
        each.tick_params(labelsize=8)
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def _sent(axes: Axes, story: Story) -> None:
    visits, weeks = story.visits, np.arange(LEARNED_ON[-1] // WEEK)
    week = visits.day // WEEK
    cart, other = (
        np.bincount(week[visits.sent & which], minlength=weeks.size) for which in (visits.carted, ~visits.carted)
    )
    axes.bar(weeks + 1, cart, color=COLOURS["rule"], label="after a cart")
    axes.bar(weeks + 1, other, bottom=cart, color=COLOURS["learned"], label="after another visit")
    for day, words in zip(LEARNED_ON, ("first model", "thresholds chosen", "again"), strict=True):
        axes.axvline(day / WEEK + 0.5, color="grey", linestyle=":")
        axes.text(day / WEEK + 0.45, axes.get_ylim()[1], words, rotation=90, ha="right", va="top", fontsize=7)
    axes.axvspan(LEARNED_ON[-1] / WEEK + 0.5, (LEARNED_ON[-1] + DAYS) / WEEK + 0.5, color="#eef2f6")
    axes.text((LEARNED_ON[-1] + DAYS / 2) / WEEK + 0.5, axes.get_ylim()[1] / 2, "A/B test", ha="center", fontsize=8)
    axes.set_title(
        "1. Messages a week: a tenth explores other visits,\nuntil the log says what they are worth", fontsize=9
    )
    axes.set_xlabel("week", fontsize=8)
    axes.legend(fontsize=7, loc="upper right")


def _thresholds(axes: Axes, story: Story) -> None:
    found = story.rounds[1].browse
    axes.set_title(
        "2. The log's answer: what writing after other visits\nwould earn, by threshold (day 42, 95 %)", fontsize=9
    )
    if not isinstance(found, Curve):
        axes.text(0.5, 0.5, str(found), ha="center", wrap=True, fontsize=8)
        return
    points = [(each.threshold, each.gain) for each in found.points if each.gain is not None and each.threshold <= 1]
    at = [100 * threshold for threshold, _ in points]
    low, high = ([MILLE * getattr(gain, end) for _, gain in points] for end in ("low", "high"))
    axes.fill_between(at, low, high, alpha=0.2, color=COLOURS["learned"])
    axes.plot(at, [MILLE * gain.estimate for _, gain in points], marker="o", markersize=3, color=COLOURS["learned"])
    axes.axhline(0, color="grey", linewidth=0.8)
    if found.recommended <= 1:
        axes.axvline(
            100 * found.recommended, color=COLOURS["learned"], linestyle="--", label=f"chosen: {found.recommended:.1%}"
        )
        axes.legend(fontsize=7)
    axes.set_xlabel("write from this chance of an order on, %", fontsize=8)
    axes.set_ylabel("more profit by 1,000 visits", fontsize=8)


def _earned(axes: Axes, story: Story) -> None:
    scale, nothing = MILLE / story.truths["rule"].people, story.truths["none"].daily
    for name, each in story.truths.items():
        axes.plot(np.arange(DAYS) + 1, scale * (each.daily - nothing), color=COLOURS[name], label=NAMES[name],
                  linewidth=1 if name == "always" else 2, linestyle="--" if name == "always" else "-")  # fmt: skip
    axes.set_title(
        "3. The truth, known because the world is made up:\nearned by 1,000 people over writing to nobody", fontsize=9
    )
    axes.set_xlabel("day of the last four weeks", fontsize=8)
    axes.legend(fontsize=7, title="messages to", title_fontsize=7)
