"""What a retraining says of recommendations: the figures of its summary, the lines on the screen, a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from models.neighbours import NOBODY, RECOMMENDED, Neighbours
from training.hit_rate import HitRate
from training.markup import STYLE, table

_SHOWN: Final = 50
_NEAREST_SHOWN: Final = 5
_HOW_JUDGED: Final = (
    "Of everybody who ordered on these days, the first order of something that could have been recommended to them. "
    "What was bought shortly before, or viewed last, is not recommended; what was in stock is not known."
)


def figures(hits: HitRate, counted: Mapping[str, int], version: str, run_id: str) -> dict[str, Any]:
    """Return what `retrain/summary.json` holds of recommendations."""
    known = hits.people > 0
    return {
        **counted,
        "k": RECOMMENDED,
        "people": hits.people,
        "hit_rate": hits.learned if known else None,
        "popular_hit_rate": hits.popular if known else None,
        "neighbours": hits.neighbours_help,
        "reason": _reason(hits),
        "version": version,
        "mlflow_run_id": run_id,
    }


def lines(found: Mapping[str, Any] | None) -> list[str]:
    """Return what to print of recommendations; None stands for baskets too few to learn from."""
    if found is None:
        return ["recommendations: none, since there are too few baskets to learn from"]
    said = [f"recommendations: {found['version']} IN SERVICE: {found['reason']}"]
    if found["people"]:
        k, learned, popular = found["k"], _share(found["hit_rate"]), _share(found["popular_hit_rate"])
        said.append(
            f"  of {found['people']:,} people {learned} bought one of the {k} chosen by what goes together, "
            f"{popular} one of the {k} most popular"
        )
    return said


def page(found: Mapping[str, Any], known: Neighbours) -> str:
    """Return the report as HTML: how often recommendations hit, and what goes with the most popular products."""
    title = f"Recommendations, {found['version']}"
    head = ("", f"bought one of {found['k']} before anything else was known of them")
    rates = [
        ("by what goes together, then by what is popular", found["hit_rate"]),
        ("by what is popular", found["popular_hit_rate"]),
    ]
    counted = [
        (name.replace("_", " "), str(found[name])) for name in ("baskets", "products", "people", "mlflow_run_id")
    ]
    return "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>",
            f"<h1>{title}</h1><p class=verdict>{found['reason'].capitalize()}.</p>",
            "<h2>On the last days, which nothing was learned from</h2>",
            table(head, rates),
            f"<p>{_HOW_JUDGED}</p>",
            "<h2>The most popular products, and what goes with them</h2>",
            table(("product", "neighbours, the nearest first"), _shown(known)),
            "<h2>Where it comes from</h2>",
            table(("", ""), counted),
            "</html>",
        )
    )


def _shown(known: Neighbours) -> Iterator[Sequence[str]]:
    for product, near in zip(known.products[:_SHOWN], known.near[:_SHOWN].tolist(), strict=True):
        named = [known.products[each] for each in near[:_NEAREST_SHOWN] if each != NOBODY]
        yield product, ", ".join(named) or "–"


def _reason(hits: HitRate) -> str:
    if hits.neighbours_help:
        return "recommends what goes together, then what is popular"
    if hits.people:
        return "recommends what is popular, which was bought more often than what goes together"
    return "recommends what is popular: nobody ordered in the last days, so what goes together could not be judged"


def _share(value: float) -> str:
    return f"{value:.1%}"
