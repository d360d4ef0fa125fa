"""Leave a model of send hours where others find it: bundle, run, report, version, and the alias last."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.horizon import SEND_HOUR_REGISTERED as REGISTERED
from models.send_hour_bundle import load, write
from training.answers import read_sends
from training.gate import Verdict
from training.lineage import iso_now, lineage, lineage_tags
from training.log import Log
from training.registry import Registry
from training.send_hour_judge import calibration
from training.send_hour_report import page
from training.send_hour_summary import LEARNED_FROM, figures
from training.send_hours import HoursLearned, decide, learn, with_sends
from training.summary import rule_tags

REPORT = "report-send-hour.html"


def record(log: Log, database: Path, registry: Registry, directory: Path, *, cutoff_us: int | None) -> dict[str, Any]:
    """Learn send hours from a log and the messages of its database, register them, promote or not, return figures.

    Raises:
        TooLittleHistory: There is too little to learn from; then nothing is left behind.
    """
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        origin = lineage(log, until_us=log.span[1], cutoff_us=cutoff_us)
        champion = registry.champion(REGISTERED, Path(scratch), load)
        learned = learn(log, origin, champion=champion)
        learned = with_sends(learned, read_sends(database, log), champion=champion)
        verdict = decide(learned, champion)
        bundle, files = Path(scratch) / "bundle", Path(scratch) / "files"
        with registry.run(REGISTERED) as run_id:
            learned.model.lineage["mlflow_run_id"] = run_id
            write(bundle, learned.model, created_at=iso_now())
            version = registry.register_files(REGISTERED, bundle, run_id)
            found = figures(learned, verdict, f"{REGISTERED}/{version}", run_id)
            files.mkdir()
            text = page(f"{REGISTERED}, version {version}", learned, verdict, found)
            for path in (files / "report.html", directory / REPORT):
                path.write_text(text, encoding="utf-8")
            registry.record(_parameters(learned, origin), _metrics(learned), _tags(learned, verdict, origin), files)
    registry.mark(REGISTERED, version, lineage_tags(origin))
    registry.note(REGISTERED, version, f"{'Promoted' if verdict.promoted else 'Not promoted'}: {verdict.reason}")
    if verdict.promoted:
        registry.promote(REGISTERED, version)
    return found


def _parameters(learned: HoursLearned, origin: dict[str, Any]) -> dict[str, Any]:
    return {
        "cohorts": learned.cohorts,
        "strength": learned.model.strength,
        "events_per_visit": learned.model.events_per_visit,
        "sigma_h": learned.model.sigma_h,
        "people": len(learned.judged_by),
        "cutoff": origin["cutoff"],
        **{f"log.{key}": value for key, value in origin["log"].items()},
    }


def _metrics(learned: HoursLearned) -> dict[str, float]:
    found = {"test.calibration_error": calibration(learned.scores["model"], learned.judged_by.later)}
    for name, its in learned.judgements.items():
        prefix = "test" if name == "model" else f"baseline.{name}"
        found |= {f"{prefix}.{key}": value for key, value in asdict(its).items()}
    for name, each in (("alike", learned.days.alike), ("told_apart", learned.days.told_apart)):
        found |= {} if each is None else {f"by_day.{name}.{key}": value for key, value in asdict(each).items()}
    if learned.chosen is not None and learned.chosen.log_loss is not None:
        found |= {f"sends.{name}.log_loss": value for name, value in learned.chosen.log_loss.items()}
    return found


def _tags(learned: HoursLearned, verdict: Verdict, origin: dict[str, Any]) -> dict[str, str]:
    return {
        **lineage_tags(origin),
        "gate": "promoted" if verdict.promoted else "refused",
        "gate_reason": verdict.reason,
        **rule_tags(verdict),
        "learned_from": LEARNED_FROM[learned.model.learned_from],
        "lightgbm": learned.trees.reason,
        "by_day": learned.days.reason,
        **({} if learned.chosen is None else {"learned_from_reason": learned.chosen.reason}),
    }
