"""The pictures of an experiment's report, as PNG files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from training.comparison import Comparison
from training.experiment import Units
from training.looks import Look
from training.plots import saved
from training.subgroups import Subgroup

WIDE = (9.0, 4.2)
CONTROL_COLOUR, TREATMENT_COLOUR, ALWAYS_COLOUR = "#8a94a3", "#1f6fb2", "#b9d4ea"
MOST_GROUPS_DRAWN = 24


def draw_comparison(
    directory: Path, found: Comparison, units: Units, arm: int, groups: Sequence[Subgroup]
) -> dict[str, Path]:
    """Draw what can be drawn of a comparison into `directory`, and return the files by title."""
    directory.mkdir(parents=True, exist_ok=True)
    plots: dict[str, tuple[str, Callable[[Axes], None], tuple[float, float]]] = {}
    if len(found.looks) > 1:
        plots["effect"] = ("Effect over time", lambda axes: _effect(axes, found.looks), WIDE)
        plots["bounds"] = ("How far from chance, and how far it must be", lambda axes: _bounds(axes, found.looks), WIDE)
    shown = [each for each in groups if each.effect is not None][:MOST_GROUPS_DRAWN]
    if shown:
        height = 1.2 + 0.3 * len(shown)
        plots["groups"] = ("Effect by group", lambda axes: _groups(axes, shown, found), (9.0, height))
    plots["funnel"] = ("From being drawn to an order", lambda axes: _funnel(axes, units, arm), WIDE)
    return {
        title: saved(directory / f"{name}.png", title, paint, size=size) for name, (title, paint, size) in plots.items()
    }


def _days(looks: Sequence[Look]) -> "np.typing.NDArray[np.datetime64]":
    return np.array([each.at or 0 for each in looks], dtype="datetime64[us]")


def _dated(axes: Axes) -> None:
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _effect(axes: Axes, looks: Sequence[Look]) -> None:
    always = [100 * each.always_low for each in looks], [100 * each.always_high for each in looks]
    axes.fill_between(_days(looks), *always, color=ALWAYS_COLOUR, label="holds at every moment")
    planned = [each for each in looks if each.low is not None and each.high is not None]
    middle = [100 * each.estimate for each in planned]
    reach = [100 * (each.high - each.estimate) for each in planned if each.high is not None]
    if planned:
        axes.errorbar(
            _days(planned), middle, yerr=reach, fmt="none", ecolor=TREATMENT_COLOUR, label="holds at all planned looks"
        )
    axes.plot(_days(looks), [100 * each.estimate for each in looks], color=TREATMENT_COLOUR, marker="o", markersize=3)
    axes.axhline(0, color="grey", linestyle=":")
    # Early intervals are as wide as the picture is high: what matters comes later.
    tight = [abs(100 * bound) for each in looks[len(looks) // 3 :] for bound in (each.always_low, each.always_high)]
    axes.set(ylabel="difference, percentage points", ylim=(-1.4 * max(tight), 1.4 * max(tight)))
    axes.legend(fontsize=8, loc="upper right")
    _dated(axes)


def _bounds(axes: Axes, looks: Sequence[Look]) -> None:
    shown = [each for each in looks if each.bound is not None]
    times = [each.time for each in shown]
    bound = [each.bound or 0.0 for each in shown]
    axes.plot(times, bound, color="#c0392b", marker=".", label="bound")
    axes.plot(times, [-each for each in bound], color="#c0392b", marker=".")
    found = [each.estimate / each.error for each in looks]
    axes.plot([each.time for each in looks], found, color=TREATMENT_COLOUR, marker="o", markersize=3, label="found")
    axes.axhline(0, color="grey", linestyle=":")
    axes.axvline(1.0, color="grey", linestyle="--", label="planned users")
    top = max(4.5, *(abs(each) * 1.1 for each in found))
    axes.set(xlabel="share of the planned users", ylabel="z", ylim=(-top, top))
    axes.legend(fontsize=8, loc="upper right")


def _groups(axes: Axes, groups: Sequence[Subgroup], found: Comparison) -> None:
    places = np.arange(len(groups))[::-1]
    for place, each in zip(places, groups, strict=True):
        if each.effect is None or each.effect_low is None or each.effect_high is None:
            continue
        colour = "#c0392b" if each.differs else TREATMENT_COLOUR
        axes.plot([100 * each.effect_low, 100 * each.effect_high], [place, place], color=colour)
        axes.plot(100 * each.effect, place, marker="o", markersize=4, color=colour)
    axes.axvline(0, color="grey", linestyle=":")
    if found.looks:
        axes.axvline(100 * found.looks[-1].estimate, color=ALWAYS_COLOUR, label="all")
        axes.legend(fontsize=8)
    axes.set_yticks(places, [f"{each.by}: {each.value}" for each in groups])
    axes.set(xlabel="difference, percentage points", ylim=(-0.6, len(groups) - 0.4))


def _funnel(axes: Axes, units: Units, arm: int) -> None:
    stages = {"drawn": np.ones(len(units), dtype=np.bool_), **units.stages, "ordered": units.converted}
    for offset, (which, colour) in enumerate(((0, CONTROL_COLOUR), (arm, TREATMENT_COLOUR))):
        mine = units.arm == which
        shares = [100 * float(each[mine].mean()) if mine.any() else 0.0 for each in stages.values()]
        bars = axes.bar(np.arange(len(stages)) + 0.4 * offset, shares, 0.38, color=colour, label=units.arms[which])
        counts = [f"{int(each[mine].sum()):,}" for each in stages.values()]
        axes.bar_label(bars, labels=counts, fontsize=8)
    axes.set_xticks(np.arange(len(stages)) + 0.2, list(stages))
    axes.set(ylabel="% of users", ylim=(0, 112))
    axes.legend(fontsize=8, loc="upper right")
