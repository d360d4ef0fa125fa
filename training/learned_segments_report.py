"""What a retraining says of learned segments: the figures of its summary, the lines on the screen, a page."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from models.learned_segments import CLUSTERS, RFM, Centres
from training.clustering import STRONG
from training.learned_segments import FOLLOWED_D, LEAST_BUYERS, Group, Learned
from training.markup import STYLE, picture, table, text
from training.plots import saved
from training.segment_names import BEHAVIOUR

_SHOWN: Final = 3
_HOW: Final = (
    "Fifths of those who bought, by days since the last order, number of orders and revenue, "
    "and the grid of names that marketers know."
)


def figures(learned: Learned, version: str, run_id: str) -> dict[str, Any]:
    """Return what `retrain/summary.json` holds of learned segments."""
    return {
        "version": version,
        "people": learned.people,
        "buyers": learned.buyers,
        "prediction_strength": {str(k): each for k, each in learned.strengths.items()},
        "reason": learned.reason,
        "gone": list(learned.gone),
        "groups": [{**asdict(each), "apart": dict(each.apart[:_SHOWN])} for each in learned.groups],
        "mlflow_run_id": run_id,
    }


def figures_of_nothing(reason: str) -> dict[str, Any]:
    """Return what the summary holds where there was too little to learn from."""
    return {"version": None, "reason": reason, "groups": [], "gone": []}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return what to print of learned segments."""
    if found["version"] is None:
        return [f"segments: none: {found['reason']}"]
    counted = [sum(each["family"] == family for each in found["groups"]) for family in (RFM, CLUSTERS)]
    said = [f"segments: {found['version']} IN SERVICE: {counted[0]} by orders, {counted[1]} by behaviour"]
    said.append(f"  {found['reason']}")
    if found["gone"]:
        said.append(f"  gone: {', '.join(found['gone'])}; nobody is in these any more, whatever a policy says of them")
    return said


def page(title: str, learned: Learned) -> str:
    """Return the report as HTML: how large each segment is, how often it orders, and what sets it apart."""
    clusters = learned.model.clusters
    gone = f"<p class='verdict refused'>Gone: {text(', '.join(learned.gone))}.</p>" if learned.gone else ""
    reason = learned.reason[:1].upper() + learned.reason[1:]
    head = ("", "people", "share", f"ordered within {FOLLOWED_D} days")
    return "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{text(title)}</title><style>{STYLE}</style>",
            f"<h1>{text(title)}</h1><p class=verdict>{text(reason)}.</p>{gone}",
            f"<p>Of {learned.people:,} people, {learned.buyers:,} of whom had bought.</p>",
            f"<h2>By orders: rfm</h2><p>{_HOW}</p>",
            table(head, _rows(learned.groups, RFM))
            if learned.model.rfm is not None
            else f"<p>None: fewer than {LEAST_BUYERS} people bought.</p>",
            "<h2>By behaviour: clusters</h2>",
            table((*head, "what sets it apart"), _rows(learned.groups, CLUSTERS)),
            "" if clusters is None else f"<div class=plots>{_picture(clusters)}</div>",
            f"<h2>How many clusters</h2><p>The largest number whose prediction strength is {STRONG} or more.</p>",
            table(("clusters", "prediction strength"), [(str(k), each) for k, each in learned.strengths.items()]),
            "</html>",
        )
    )


def _rows(groups: Sequence[Group], family: str) -> Iterable[Sequence[Any]]:
    for each in groups:
        if each.family == family:
            rate = None if each.order_rate is None else f"{each.order_rate:.1%} of {each.judged:,}"
            words = ", ".join(f"{BEHAVIOUR[name]} {by:+.1f} sd" for name, by in each.apart[:_SHOWN])
            yield (each.name, f"{each.people:,}", f"{each.share:.1%}", rate, *([words] if family == CLUSTERS else []))


def _picture(centres: Centres) -> str:
    title = "What sets each cluster apart, in standard deviations, from everybody"
    with tempfile.TemporaryDirectory() as folder:
        return picture(
            title, saved(Path(folder) / "apart.png", title, lambda axes: _heat(axes, centres), size=(9.0, 4.2))
        )


def _heat(axes: Axes, centres: Centres) -> None:
    most = float(np.abs(centres.centres).max())
    axes.imshow(centres.centres, aspect="auto", cmap="coolwarm", vmin=-most, vmax=most)
    axes.set_xticks(
        range(len(centres.features)), [BEHAVIOUR[each] for each in centres.features], rotation=45, ha="right"
    )
    axes.set_yticks(range(len(centres.names)), centres.names)
