"""The summary of the demonstration as one screen."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDTH = 110


def show(summary: dict[str, Any], home: Path) -> None:
    """Print the summary."""
    console = Console(width=_WIDTH)
    intent, decisions, dispatch = summary["intent"], summary["decisions"], summary["dispatch"]
    console.rule("[bold]Opportune: a year of 2,469 households, the autumn of it replayed")
    console.print(
        f"[bold]Replayed[/]  {summary['events_imported']:,} orders as history, {summary['events_replayed']:,} through the "
        f"HTTP API; {intent['rows']:,} scores asked on {EVERY} local midnights.\n"
        "          (The package calls these data simulated from real shopping patterns, its origin calls them real.)"
    )
    console.print(_intent(intent))
    held = ", ".join(f"{count:,} {reason}" for reason, count in sorted(decisions["hold"].items()))
    console.print(
        f"[bold]Decisions[/] {decisions['send']:,} sent, {decisions['control']:,} withheld as control; held: {held}\n"
        f"[bold]Dispatch[/]  {dispatch['delivered']:,} delivered, {dispatch['verified']:,} with a verified signature; "
        f"from decision to delivery p50 {_s(dispatch['p50_s'])}, p99 {_s(dispatch['p99_s'])}\n"
        f"[bold]Outcomes[/]  {summary['outcomes']['attributed']:,} decisions were followed by a purchase within their horizon\n"
        f"[bold]Latency[/]   event to score p50 {summary['latency_ms']['p50']} ms, p95 {summary['latency_ms']['p95']} ms, "
        f"p99 {summary['latency_ms']['p99']} ms (one client, durable before the answer)\n"
        f"[bold]Parity[/]    {summary['parity']['mismatches']:,} of {summary['parity']['rows']:,} served feature vectors differ "
        "from those recomputed from the log"
    )
    console.print(
        f"[bold]Look at[/]   {home}/retrain/report-24h.html: the model's report (MLflow run {summary['mlflow_run_id']})\n"
        f"          {home}/summary.json: these figures\n"
        f"          OPPORTUNE_HOME={home} make serve, then http://127.0.0.1:8000/docs: the API"
    )
    steps = ", ".join(f"{step} {taken:.0f} s" for step, taken in summary["seconds"].items())
    console.print(f"[bold]Time[/]      {steps}; {sum(summary['seconds'].values()):.0f} s in all")


EVERY = 22


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


def _quality(figures: dict[str, Any]) -> list[str]:
    return [_n(figures[each]) for each in ("roc_auc", "pr_auc", "log_loss", "calibration_error")]


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _s(value: float | None) -> str:
    return "–" if value is None else f"{value * 1e3:.0f} ms"
