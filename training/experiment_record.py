"""Leave a report where others find it: page, pictures and JSON below the home, figures and tables in MLflow."""

import json
import warnings
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from training.experiment_page import page
from training.experiment_plots import draw_comparison
from training.experiment_report import Judged, Report, as_json, look_as_json
from training.looks import Look
from training.registry import Registry
from training.registry_file import SQLITE


def write(report: Report, directory: Path) -> Path:
    """Write page, pictures and summary of a report into `directory`, and return the page."""
    directory.mkdir(parents=True, exist_ok=True)
    plots = {
        each.comparison.arm: draw_comparison(
            directory / "plots" / each.comparison.arm, each.comparison, report.units, each.arm, each.groups
        )
        for each in report.judged
    }
    found = directory / "report.html"
    found.write_text(page(report, plots), encoding="utf-8")
    (directory / "summary.json").write_text(
        json.dumps(as_json(report), indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
    return found


def record(report: Report, directory: Path, home: Path, uri: str | None = None) -> str:
    """Log a written report as one run of the MLflow experiment of its name, and every look as a run inside it.

    Args:
        report: The report.
        directory: Where it was written.
        home: Whose MLflow it is, where `uri` is None.
        uri: Another MLflow's tracking URI.

    Returns:
        The run's id.
    """
    registry = Registry(home, uri)
    with warnings.catch_warnings():
        # SQLAlchemy's, about MLflow's own tables.
        warnings.simplefilter("ignore")
        _choose(report.plan.name, home, registry.uri)
        with mlflow.start_run(run_name=f"report {report.plan.name}") as run:
            mlflow.log_params(_parameters(report))
            mlflow.log_metrics(
                {name: value for each in report.judged for name, value in _metrics(each, report).items()}
            )
            mlflow.set_tags(_tags(report))
            for each in report.judged:
                _log_looks(each, len(report.judged) > 1)
            mlflow.log_artifacts(str(directory))
    return str(run.info.run_id)


def _choose(name: str, home: Path, uri: str) -> None:
    if mlflow.get_experiment_by_name(name) is None:
        # MLflow's own default would be a folder wherever the command was given.
        location = (home.absolute() / "mlartifacts").as_uri() if uri.startswith(SQLITE) else None
        mlflow.create_experiment(name, artifact_location=location)
    mlflow.set_experiment(name)


def _parameters(report: Report) -> dict[str, Any]:
    plan = report.plan
    shares = None if plan.shares is None else dict(zip(report.units.arms, plan.shares, strict=True))
    window = None if plan.window is None else str(plan.window)
    return {
        "planned_users": plan.users,
        "planned_beforehand": plan.registered,
        "window": window,
        "looks": plan.looks,
        "alpha": plan.alpha,
        "shares": shares,
    }


def _tags(report: Report) -> dict[str, str]:
    found = {f"verdict.{each.comparison.arm}": each.comparison.verdict.ruling.value for each in report.judged}
    said = {f"sentence.{each.comparison.arm}": each.comparison.verdict.sentence for each in report.judged}
    return found | said


def _metrics(judged: Judged, report: Report) -> dict[str, float]:
    """Return every figure of a comparison, those of several treatments by their names."""
    found = judged.comparison
    figures: dict[str, Any] = {"users": len(report.units), "matured_users": int(report.units.matured.sum())}
    if found.looks:
        figures |= _look_metrics(found.looks[-1])
    if found.ratio is not None:
        figures["sample_ratio.log_e_value"] = found.ratio.log_e_value
    if found.belief is not None:
        figures |= {f"belief.{name}": value for name, value in found.belief._asdict().items()}
    for each in found.guardrails:
        figures |= {f"guardrail.{each.name}.low": each.low, f"guardrail.{each.name}.high": each.high}
    if judged.ending is not None:
        for i, said in enumerate((*judged.ending.primary, *judged.ending.secondary)):
            name = f"end.{i}_{said.name.replace(',', '').replace(' ', '_')}"
            figures |= {f"{name}.{key}": getattr(said, key) for key in ("effect", "low", "high", "p_value", "adjusted")}
    prefix = f"{found.arm}." if len(report.judged) > 1 else ""
    return {f"{prefix}{name}": float(value) for name, value in figures.items() if value is not None}


def _look_metrics(look: Look) -> dict[str, Any]:
    numbers = {key: getattr(look, key) for key in ("time", "estimate", "error", "bound", "low", "high")}
    counts = {
        f"{name}.{key}": getattr(arm, key)
        for name, arm in (("control", look.control), ("treatment", look.treatment))
        for key in ("users", "conversions", "rate")
    }
    return {**numbers, **counts, "always_low": look.always_low, "always_high": look.always_high}


def _log_looks(judged: Judged, several: bool) -> None:
    found = judged.comparison
    prefix = f"{found.arm}." if several else ""
    looks = pd.json_normalize([look_as_json(each) for each in found.looks])
    if not looks.empty:
        mlflow.log_table(looks, f"tables/{prefix}looks.json")
    if judged.groups:
        groups = pd.DataFrame(
            [
                {"by": each.by, "value": each.value, "effect": each.effect, "low": each.low, "high": each.high}
                for each in judged.groups
            ]
        )
        mlflow.log_table(groups, f"tables/{prefix}groups.json")
    for i, look in enumerate(found.looks, start=1):
        with mlflow.start_run(run_name=f"{prefix}look {i}", nested=True):
            mlflow.log_metrics({name: float(each) for name, each in _look_metrics(look).items() if each is not None})
            mlflow.set_tag("at", look_as_json(look)["at"] or "")
