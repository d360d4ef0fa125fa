"""Recommendations: learned from the baskets of the log, judged, and left where serving finds them."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.neighbours import RECOMMENDED, Neighbours
from models.neighbours_bundle import NAME, write
from training.baskets import Baskets
from training.co_occurrence import count_baskets, learn
from training.hit_rate import HitRate, hit_rate
from training.lineage import git_commit, iso, iso_now, package_version
from training.recommending_report import figures, page
from training.registry import Registry

LEAST_BASKETS: Final = 100
"""Baskets of two products or more; fewer tell too little of what goes together, or is popular."""
REPORT: Final = "report-recommendations.html"


@dataclass(frozen=True)
class Recommending:
    """What was learned of products.

    Attributes:
        known: What goes into service; without neighbours where these hit less often than what is popular.
        hits: On the last days, which nothing was learned from.
        baskets: How many of two products or more there were.
    """

    known: Neighbours
    hits: HitRate
    baskets: int


def recommending(baskets: Baskets) -> Recommending | None:
    """Return what these baskets teach; None where they are too few."""
    count = count_baskets(baskets)
    if count < LEAST_BASKETS:
        return None
    hits = hit_rate(baskets)
    known = learn(baskets, neighbours=hits.neighbours_help)
    return Recommending(known, hits, count)


def record(found: Recommending, registry: Registry, directory: Path, *, cutoff_us: int | None) -> dict[str, Any]:
    """Register what was learned, have serving take it up, and return its figures; the report goes to `directory`."""
    origin = {
        "git_commit": git_commit(),
        "version": package_version(),
        "cutoff": None if cutoff_us is None else iso(cutoff_us),
    }
    counted = {"baskets": found.baskets, "products": len(found.known.products)}
    with registry.run(NAME) as run_id, tempfile.TemporaryDirectory(dir=directory) as scratch:
        bundle, files = Path(scratch) / "bundle", Path(scratch) / "files"
        files.mkdir()
        write(bundle, found.known, created_at=iso_now(), lineage={**origin, **counted, "mlflow_run_id": run_id})
        version = registry.register_files(NAME, bundle, run_id)
        its = figures(found.hits, counted, f"{NAME}/{version}", run_id)
        for path in (files / "report.html", directory / REPORT):
            path.write_text(page(its, found.known), encoding="utf-8")
        tags = {name: value or "unknown" for name, value in origin.items()}
        registry.record(counted, _metrics(found.hits), tags, files)
    registry.mark(NAME, version, tags)
    registry.note(NAME, version, its["reason"])
    registry.promote(NAME, version)
    return its


def _metrics(hits: HitRate) -> dict[str, float]:
    return {
        f"test.hit_rate_at_{RECOMMENDED}": hits.learned,
        f"baseline.popular.hit_rate_at_{RECOMMENDED}": hits.popular,
        "test.people": float(hits.people),
    }
