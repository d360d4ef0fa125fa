"""What a run of training says of send hours: the figures of the summary, and the lines it prints."""

from dataclasses import asdict
from typing import Any, Final

from training.gate import Verdict
from training.send_hour_judge import by_history, calibration
from training.send_hours import HoursLearned

LEARNED_FROM: Final = {
    "activity": "activity, not response: when people are there, not what they answer to",
    "sends": "sends: when people answer to a message, or come back after it",
}


def figures(learned: HoursLearned, verdict: Verdict, model_version: str, run_id: str) -> dict[str, Any]:
    """Return what the summary says."""
    found = {name: asdict(each) for name, each in learned.judgements.items()}
    return {
        **found.pop("model"),
        **found,
        "calibration_error": calibration(learned.scores["model"], learned.judged_by.later),
        "people": len(learned.judged_by),
        "by_history": by_history(learned.scores, learned.judged_by),
        "strength": learned.model.strength,
        "cohorts": learned.cohorts,
        "events_per_visit": learned.model.events_per_visit,
        "lightgbm": {"chosen": learned.trees.kept, "reason": learned.trees.reason},
        "by_day": learned.days.figures,
        "learned_from": LEARNED_FROM[learned.model.learned_from],
        "from_sends": None if learned.chosen is None else learned.chosen.figures,
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        "rules": [each._asdict() for each in verdict.rules],
        "model_version": model_version,
        "mlflow_run_id": run_id,
    }


def figures_of_nothing(reason: str) -> dict[str, Any]:
    """Return what the summary says where nothing could be learned."""
    numbers: dict[str, Any] = dict.fromkeys(("hit_at_1", "hit_at_3", "mrr", "log_loss", "global"))
    return {**numbers, "promoted": False, "reason": reason, "rules": [], "model_version": None, "mlflow_run_id": None}


def lines(found: dict[str, Any]) -> list[str]:
    """Return what to print."""
    if found["model_version"] is None:
        said = "A champion stays in service; where there is none, the prior answers, whose best hour is ten o'clock."
        return [f"send hour: no model. {found['reason']}. {said}"]
    beside = (each for each in ("trees", "profile", "global", "histogram", "median") if each in found)
    rules: dict[str, Any] = {"model": found, **{each: found[each] for each in beside}}
    return [
        f"send hour: {found['model_version']} {'PROMOTED' if found['promoted'] else 'not promoted'}: {found['reason']}",
        *(f"  {'holds ' if each['holds'] else 'BROKEN'} {each['name']:12}{each['words']}" for each in found["rules"]),
        f"  judged by when {found['people']:,} people were active later; that is activity, not response",
        *(() if found["from_sends"] is None else (f"  learned from {found['from_sends']['reason']}",)),
        f"  of {found['lightgbm']['reason']}",
        f"  told {found['by_day']['reason']}",
        f"  {'':18}{'hit@1':>9}{'hit@3':>9}{'MRR':>10}{'log-loss':>10}",
        *(
            f"  {name:18}{its['hit_at_1']:>9.4f}{its['hit_at_3']:>9.4f}{its['mrr']:>10.4f}{its['log_loss']:>10.4f}"
            for name, its in rules.items()
        ),
    ]
