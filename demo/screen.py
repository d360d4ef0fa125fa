"""The summary of the demonstration as one screen."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDTH = 110


def show(summary: dict[str, Any], home: Path) -> None:
    """Print the summary."""
    console = Console(width=_WIDTH)
    console.rule("[bold]Opportune: a year of 2,469 households, the autumn of it replayed")
    for title, text in _lines(summary, home):
        console.print(f"[bold]{title:<11}[/]{text}")
    console.print(_intent(summary["intent"]))


def _lines(summary: dict[str, Any], home: Path) -> list[tuple[str, str]]:
    decisions, dispatch, latency = summary["decisions"], summary["dispatch"], summary["latency_ms"]
    parity, segments = summary["parity"], summary["segments"]
    held = ", ".join(f"{count:,} {reason}" for reason, count in sorted(decisions["hold"].items()))
    replayed = f"{summary['events_imported']:,} orders as history, {summary['events_replayed']:,} through the HTTP API"
    return [
        ("Replayed", f"{replayed}; {summary['intent']['rows']:,} scores on every third local midnight"),
        ("", "(The package calls these data simulated from real patterns; its origin calls the households real.)"),
        ("Decisions", f"{decisions['send']:,} sent, {decisions['control']:,} withheld as control; held: {held}"),
        ("Dispatch", f"{dispatch['delivered']:,} delivered, {dispatch['verified']:,} with a verified signature"),
        ("", f"from decision to delivery p50 {seconds(dispatch['p50_s'])}, p99 {seconds(dispatch['p99_s'])}"),
        ("Outcomes", f"{summary['outcomes']['attributed']:,} decisions were followed by a purchase in their horizon"),
        (
            "Latency",
            f"event to score, durable: p50 {latency['p50']} ms, p95 {latency['p95']} ms, p99 {latency['p99']} ms",
        ),
        (
            "Parity",
            f"{parity['mismatches']:,} of {parity['rows']:,} served feature vectors differ from a recomputation",
        ),
        ("Segments", f"{segments['differences']:,} of {segments['members']:,} memberships differ from a recomputation"),
        ("Send hour", _send_hour(summary["send_hour"])),
        ("Report", f"{near(home)}/retrain/report-24h.html; MLflow run {summary['mlflow_run_id']}"),
        ("API", f"OPPORTUNE_HOME={near(home)} make serve, then http://127.0.0.1:8000/docs"),
        ("Figures", f"{near(home)}/summary.json"),
        ("Time", time_taken(summary["seconds"])),
    ]


def time_taken(steps: dict[str, float]) -> str:
    """Return how many seconds each step took, and all together, in words."""
    each = ", ".join(f"{step} {taken:.0f}" for step, taken in steps.items())
    return f"{each}: {sum(steps.values()):.0f} seconds"


def near(home: Path) -> Path:
    """Return the folder as one would type it here."""
    return home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home


def _intent(intent: dict[str, Any]) -> Table:
    table = Table(
        title=f"Purchase within 24 hours: served scores against what happened (base rate {intent['base_rate']:.3f})"
    )
    for column in ("", "ROC-AUC", "PR-AUC", "log-loss", "worst decile error", "precision", "recall"):
        table.add_column(column, justify="left" if not column else "right")
    beside = intent["baselines"]
    own, rule, logistic = beside["model_at_rule_budget"], beside["rule"], beside["logistic"]
    table.add_row("Opportune, as served", *_quality(intent), _n(own["precision"]), _n(own["recall"]))
    table.add_row("logistic regression, same features", *_quality(logistic), "", "")
    table.add_row("rule: 2 orders in 7 days", "", "", "", "", _n(rule["precision"]), _n(rule["recall"]))
    return table


def _send_hour(found: dict[str, Any]) -> str:
    of_all = found["global"]
    return (
        f"of {found['people']:,} households' later baskets, in the three best hours {_n(found['hit_at_3'])} "
        f"(everybody's {_n(of_all['hit_at_3'])}), MRR {_n(found['mrr'])} ({_n(of_all['mrr'])}), "
        f"log-loss {_n(found['log_loss'])} ({_n(of_all['log_loss'])}); that is activity, not response"
    )


def _quality(figures: dict[str, Any]) -> list[str]:
    return [_n(figures[each]) for each in ("roc_auc", "pr_auc", "log_loss", "calibration_error")]


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def seconds(value: float | None) -> str:
    """Return seconds in words, or a dash where there is no answer."""
    return "–" if value is None else f"{value * 1e3:.0f} ms"
