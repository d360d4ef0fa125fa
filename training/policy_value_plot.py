"""The curve of expected profit over thresholds, as a picture."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.thresholds import Curve

MILLE = 1000


def draw(path: Path, found: Curve, title: str) -> None:
    """Draw what each threshold earns by a thousand decisions, with its interval; what has no answer is left out."""
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    answered = [(each.threshold, each.value) for each in found.points if each.value is not None and each.threshold <= 1]
    thresholds = [each for each, _ in answered]
    axes.plot(thresholds, [MILLE * value.estimate for _, value in answered], marker="o", markersize=3)
    low, high = ([MILLE * getattr(value, end) for _, value in answered] for end in ("low", "high"))
    axes.fill_between(thresholds, low, high, alpha=0.2)
    axes.axvline(found.present, color="grey", linestyle=":", label="present")
    if found.recommended != found.present:
        axes.axvline(found.recommended, color="green", linestyle="--", label="recommended")
    refused = [each.threshold for each in found.points if each.value is None]
    if refused:
        axes.axvspan(min(refused), min(thresholds), color="grey", alpha=0.15, label="unknown")
    axes.set_title(title, fontsize=10)
    axes.set(xlabel="threshold", ylabel="profit")
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=90)
