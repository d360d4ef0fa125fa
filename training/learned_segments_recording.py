"""Leave learned segments where others find them: bundle, run, report, version, and the alias last."""

import tempfile
from pathlib import Path
from typing import Any, Final

from models.horizon import SEGMENTS_REGISTERED as REGISTERED
from models.segments_bundle import load, write
from training.learned_segments import Learned, learn
from training.learned_segments_report import figures, page
from training.lineage import iso_now, lineage, lineage_tags
from training.log import Log
from training.registry import Registry

REPORT: Final = "report-segments.html"


def record(log: Log, registry: Registry, directory: Path, *, cutoff_us: int | None) -> dict[str, Any]:
    """Learn segments from a log, register them, put them into service, and return their figures.

    Raises:
        TooLittleHistory: There are too few people; then nothing is left behind.
    """
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        origin = lineage(log, until_us=log.span[1], cutoff_us=cutoff_us)
        learned = learn(log, before=registry.champion(REGISTERED, Path(scratch), load), lineage=origin)
        bundle, files = Path(scratch) / "bundle", Path(scratch) / "files"
        with registry.run(REGISTERED) as run_id:
            learned.model.lineage["mlflow_run_id"] = run_id
            write(bundle, learned.model, created_at=iso_now())
            version = registry.register_files(REGISTERED, bundle, run_id)
            found = figures(learned, f"{REGISTERED}/{version}", run_id)
            files.mkdir()
            text = page(f"Learned segments, {REGISTERED}/{version}", learned)
            for path in (files / "report.html", directory / REPORT):
                path.write_text(text, encoding="utf-8")
            registry.record(_parameters(learned, origin), _metrics(learned), lineage_tags(origin), files)
    registry.mark(REGISTERED, version, lineage_tags(origin))
    registry.note(REGISTERED, version, learned.reason)
    registry.promote(REGISTERED, version)
    return found


def _parameters(learned: Learned, origin: dict[str, Any]) -> dict[str, Any]:
    clusters = learned.model.clusters
    return {
        "people": learned.people,
        "buyers": learned.buyers,
        "clusters": 0 if clusters is None else len(clusters.names),
        "cutoff": origin["cutoff"],
        **{f"log.{key}": value for key, value in origin["log"].items()},
    }


def _metrics(learned: Learned) -> dict[str, float]:
    found = {f"prediction_strength.{k}": each for k, each in learned.strengths.items()}
    found |= {f"share.{each.family}.{each.name}": each.share for each in learned.groups}
    rates = {f"order_rate.{each.family}.{each.name}": each.order_rate for each in learned.groups}
    return found | {name: each for name, each in rates.items() if each is not None}
