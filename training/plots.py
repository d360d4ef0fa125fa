"""The plots of a report, as PNG files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from training.evaluate import deciles

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_FEATURES = 15
POINTS_DRAWN = 400


def draw(
    directory: Path,
    predictions: dict[str, Floats],
    ordered: Bools,
    *,
    features: list[str],
    values: Floats,
    contributions: Floats,
    weight: Floats | None = None,
) -> dict[str, Path]:
    """Draw every plot into `directory` and return the files by title.

    Args:
        directory: Made if need be.
        predictions: Probabilities of shape (n,) by name; the first is the model's.
        ordered: What followed, of shape (n,).
        features: Names of the columns of `values` and `contributions`.
        values: A sample of feature rows.
        contributions: What each feature added to each of those rows' log-odds.
        weight: How many rows each of `ordered` stands for; None where each stands for itself.
    """
    directory.mkdir(parents=True, exist_ok=True)
    plots: dict[str, tuple[str, Callable[[Axes], None]]] = {
        "pr": ("Precision and recall", lambda axes: _precision_recall(axes, predictions, ordered, weight)),
        "roc": ("ROC", lambda axes: _roc(axes, predictions, ordered, weight)),
        "reliability": ("Reliability, by decile", lambda axes: _reliability(axes, predictions, ordered, weight)),
        "lift": ("Lift", lambda axes: _lift(axes, predictions, ordered)),
        "shap": ("What moves the score (SHAP)", lambda axes: _shap(axes, features, values, contributions)),
    }
    return {title: saved(directory / f"{name}.png", title, paint) for name, (title, paint) in plots.items()}


def saved(path: Path, title: str, paint: Callable[[Axes], None], *, size: tuple[float, float] = (5.2, 4.2)) -> Path:
    """Draw one plot into a PNG file, its size in inches, and return the file."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes)
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=90)
    return path


def _precision_recall(axes: Axes, predictions: dict[str, Floats], ordered: Bools, weight: Floats | None) -> None:
    for name, predicted in predictions.items():
        precision, recall, _ = precision_recall_curve(ordered, predicted, sample_weight=weight)
        kept = _thinned(recall.size)
        axes.plot(recall[kept], precision[kept], label=name)
    axes.axhline(float(np.average(ordered, weights=weight)), color="grey", linestyle=":", label="base rate")
    axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1))
    axes.legend(fontsize=8)


def _roc(axes: Axes, predictions: dict[str, Floats], ordered: Bools, weight: Floats | None) -> None:
    for name, predicted in predictions.items():
        false, true, _ = roc_curve(ordered, predicted, sample_weight=weight)
        kept = _thinned(false.size)
        axes.plot(false[kept], true[kept], label=name)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(fontsize=8)


def _reliability(axes: Axes, predictions: dict[str, Floats], ordered: Bools, weight: Floats | None) -> None:
    top = 0.0
    for name, predicted in predictions.items():
        found = deciles(predicted, ordered, weight)
        axes.plot([each[0] for each in found], [each[1] for each in found], marker="o", markersize=3, label=name)
        top = max(top, *(max(each[:2]) for each in found))
    axes.plot([0, top], [0, top], color="grey", linestyle=":")
    axes.set(xlabel="mean prediction", ylabel="share that ordered")
    axes.legend(fontsize=8)


def _lift(axes: Axes, predictions: dict[str, Floats], ordered: Bools) -> None:
    shares = np.arange(1, ordered.size + 1) / ordered.size
    kept = _thinned(ordered.size)
    for name, predicted in predictions.items():
        hits = np.cumsum(ordered[np.argsort(-predicted, kind="stable")])
        axes.plot(shares[kept], (hits / np.arange(1, ordered.size + 1) / ordered.mean())[kept], label=name)
    axes.axhline(1, color="grey", linestyle=":")
    axes.set(xlabel="share of people, the highest scores first", ylabel="orders, times the base rate")
    axes.legend(fontsize=8)


def _shap(axes: Axes, features: list[str], values: Floats, contributions: Floats) -> None:
    strength = np.abs(contributions).mean(axis=0)
    shown = np.argsort(strength)[-MOST_FEATURES:]
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(values))
    for height, column in enumerate(shown):
        rank = np.argsort(np.argsort(values[:, column])) / max(len(values) - 1, 1)
        axes.scatter(contributions[:, column], height + jitter, c=rank, cmap="coolwarm", s=3, linewidths=0)
    axes.set_yticks(range(len(shown)), [features[i] for i in shown], fontsize=7)
    axes.axvline(0, color="grey", linewidth=0.5)
    axes.set_xlabel("contribution in log-odds; blue low values, red high", fontsize=8)


def _thinned(size: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, size - 1, min(size, POINTS_DRAWN)).astype(np.intp))
