"""What a retraining says: the figures of `retrain/summary.json` and the lines on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.exposure import Influenced
from training.gate import UNPROVEN, Verdict
from training.learning import Learned

NUMBERS = ("rows", "base_rate", "roc_auc", "pr_auc", "log_loss", "brier", "calibration_error")


def figures(learned: Learned, verdict: Verdict, model_version: str, run_id: str) -> dict[str, Any]:
    """Return one horizon's figures, on the rows that nothing was learned from."""
    found = learned.judged.judgement
    return {
        **{name: getattr(found, name) for name in NUMBERS},
        "calibration_by_chance": learned.judged.calibration_by_chance,
        "baselines": learned.judged.baselines,
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        "rules": [each._asdict() for each in verdict.rules],
        "messages": learned.messages._asdict(),
        "model_version": model_version,
        "mlflow_run_id": run_id,
    }


def figures_of_nothing(reason: str) -> dict[str, Any]:
    """Return the same keys where no model could be learned."""
    empty = dict.fromkeys(NUMBERS)
    return {
        **empty,
        "calibration_by_chance": None,
        "baselines": None,
        "promoted": False,
        "reason": reason,
        "rules": [],
        "messages": None,
        "model_version": None,
        "mlflow_run_id": None,
    }


def summary(by_horizon: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the first horizon's figures, and those of the others under `horizons`."""
    first, *others = by_horizon
    return {**by_horizon[first], "horizons": {each: by_horizon[each] for each in others}}


def lines(horizon: str, found: dict[str, Any]) -> list[str]:
    """Return what to print of one horizon."""
    if found["model_version"] is None:
        said = "A champion stays in service; where there is none, the rule rule-recency-frequency scores instead."
        return [f"{horizon}: no model. {found['reason']}. {said}"]
    logistic, rule, budget = (found["baselines"][each] for each in ("logistic", "rule", "model_at_rule_budget"))
    return [
        f"{horizon}: {found['model_version']} {'PROMOTED' if found['promoted'] else 'not promoted'}: {found['reason']}",
        *rule_lines(found["rules"]),
        *_hints(found),
        f"  {Influenced(**found['messages']).words}",
        f"  judged on {found['rows']:,} rows, {found['base_rate']:.1%} followed by an order",
        f"  {'':18}{'ROC-AUC':>9}{'PR-AUC':>9}{'log-loss':>10}{'Brier':>9}{'calibration error':>19}",
        _line("model", found),
        _line("logistic", logistic),
        f"  the calibration error of a perfect model: up to {_number(found['calibration_by_chance'])} by chance",
        _choice("choosing as many people as the rule", budget),
        _choice("the rule: two orders in seven days", rule),
    ]


def _hints(found: dict[str, Any]) -> list[str]:
    """Return what to do for a model that nothing speaks against, but that too little speaks for."""
    if found["promoted"] or any(not each["holds"] and each["name"] not in UNPROVEN for each in found["rules"]):
        return []
    name, version = found["model_version"].split("/")
    return [f"  live traffic may prove it: make shadow MODEL={name} VERSION={version}"]


def rule_lines(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what to print of each rule of the gate."""
    return [f"  {'holds ' if each['holds'] else 'BROKEN'} {each['name']:12}{each['words']}" for each in rules]


def rule_tags(verdict: Verdict) -> dict[str, str]:
    """Return what each rule of the gate said; of several with one name, as of segments, the words together."""
    said: dict[str, list[str]] = {}
    for rule in verdict.rules:
        said.setdefault(f"gate.{rule.name}", []).append(f"{'holds' if rule.holds else 'BROKEN'}: {rule.words}")
    return {name: "; ".join(words) for name, words in said.items()}


def _line(name: str, found: dict[str, Any]) -> str:
    wide = (("roc_auc", 9), ("pr_auc", 9), ("log_loss", 10), ("brier", 9), ("calibration_error", 19))
    return f"  {name:18}" + "".join(f"{_number(found[key]):>{width}}" for key, width in wide)


def _choice(name: str, found: dict[str, Any]) -> str:
    return f"  {name:37}precision {_number(found['precision'])}, recall {_number(found['recall'])}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
