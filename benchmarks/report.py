"""What a run says: one table, which bars hold, and `summary.json`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.latency import Latency
from benchmarks.tally import Outcome

NAMES = {
    "ours": "Opportune",
    "duckdb": "DuckDB, one join",
    "pandas_join": "pandas, one join",
    "pandas_group_by": "pandas, group-by",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Something the project promises of its speed."""

    name: str
    found: float | None
    bound: float
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        if self.found is None:
            return False
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        found = "no answer" if self.found is None else f"{self.found:,.2f}"
        return f"{'holds ' if self.holds else 'MISSED'}  {self.name}: {found} ({sign} {self.bound:,})"


def summary(
    http: dict[str, Any], backfill: dict[str, Any], engines: dict[str, Any], dispatch: dict[str, Any]
) -> dict[str, Any]:
    """Return what `summary.json` holds."""
    same = backfill["same_job_events_per_s"]
    return {
        "score": _compared(http["score"]),
        "event": _compared(http["event"]),
        "ingest_batch": _batches(http),
        "backfill": {
            "kernel_events_per_s": backfill["kernel_events_per_s"],
            "end_to_end_events_per_s": backfill["end_to_end_events_per_s"],
            "to_pandas": round(same["ours"] / same["pandas_group_by"], 1),
            "to_duckdb": round(same["ours"] / same["duckdb"], 2),
        },
        "policy": _policy(engines["policy"]["us_per_event"]),
        "send_hour": _hours(engines["send_hour"]["us_per_event"]),
        "shadow": _shadow(engines["shadow"]["us_per_event"]),
        "dispatch": _dispatch(dispatch),
        "startup_s": http["startup_s"],
        "peak_rss_mb": http["peak_rss_mb"],
    }


def _compared(found: dict[str, Outcome]) -> dict[str, float | None]:
    ours, ceiling, slow = found["ours"], found["ceiling"], found["straightforward"]
    return {
        "ours_rps": ours.per_s,
        "ceiling_rps": ceiling.per_s,
        "straightforward_rps": slow.per_s,
        "to_ceiling": round(ours.per_s / ceiling.per_s, 2),
        "to_straightforward": round(ours.per_s / slow.per_s, 1),
        "p99_ms_at_half": found["half"].latency.p99_ms,
        "p99_ms_at_peak": ours.latency.p99_ms,
    }


def _batches(http: dict[str, Any]) -> dict[str, float]:
    batch = http["batch"]
    return {
        "events_per_s": batch["shipped"]["events_per_s"],
        "to_ceiling": round(_batched(http, "shipped"), 2),
        "events_per_s_one_trigger": batch["one_trigger"]["events_per_s"],
        "events_per_s_no_trigger": batch["no_trigger"]["events_per_s"],
    }


def _batched(http: dict[str, Any], triggers: str) -> float:
    """Return how many events of batches are taken in while FastAPI answers one request."""
    ceiling: Outcome = http["event"]["ceiling"]
    return float(http["batch"][triggers]["events_per_s"]) / ceiling.per_s


def _policy(us: dict[str, float]) -> dict[str, float]:
    return {
        "fifty_to_one": round(us["fifty"] / us["one"], 2),
        "fifty_on_one_event_to_one": round(us["fifty_on_one_event"] / us["one"], 2),
        "million_timers_to_none": round(us["timers"] / us["no_timers"], 2),
    }


def _hours(us: dict[str, float]) -> dict[str, float]:
    """Return what share of an event with its score the 24 hours cost besides."""
    return {
        "to_event_with_score": round(us["hours"] / us["none"] - 1.0, 3),
        "with_trees_to_event_with_score": round(us["hours_with_trees"] / us["none"] - 1.0, 3),
    }


def _shadow(us: dict[str, float]) -> dict[str, float]:
    """Return what share of an event with its score, in processor time, a challenger of equal size costs besides."""
    return {"to_event_with_score": round(us["challenger"] / us["none"] - 1.0, 3)}


def _dispatch(found: dict[str, Any]) -> dict[str, float]:
    alone, beside = found["alone"], found["beside"]
    return {
        "p50_s": alone["p50_s"],
        "p99_s": alone["p99_s"],
        "events_per_s": alone["events_per_s"],
        "p99_s_beside_dead_and_slow": beside["p99_s"],
    }


def bars(summed: dict[str, Any], http: dict[str, Any], backfill: dict[str, Any]) -> list[Bar]:
    """Return the promises of issue and README with what was found."""
    score, event, fold = summed["score"], summed["event"], summed["backfill"]
    policy, hours, dispatch = summed["policy"], summed["send_hour"], summed["dispatch"]
    same, busy = backfill["same_job_events_per_s"], http["busy"]
    return [
        Bar("score, times the ceiling", score["to_ceiling"], 1.2),
        Bar("score, times the straightforward service", score["to_straightforward"], 20),
        Bar("event with score, times the ceiling", event["to_ceiling"], 0.6),
        Bar("event with score, times the straightforward service", event["to_straightforward"], 80),
        Bar("event with score, p99 in ms at half of its peak", event["p99_ms_at_half"], 10, at_least=False),
        Bar("event with score, p99 in ms at its peak", event["p99_ms_at_peak"], 50, at_least=False),
        Bar("events kept beside a busy cheap route, share", busy["beside"].per_s / busy["alone"].per_s, 0.2),
        Bar("batches of 100, events/s", summed["ingest_batch"]["events_per_s"], 10_000),
        Bar("backfill kernel, events/s", fold["kernel_events_per_s"], 2_000_000),
        Bar("log to Parquet, events/s", fold["end_to_end_events_per_s"], 200_000),
        Bar("backfill, times pandas group-by", same["ours"] / same["pandas_group_by"], 10),
        Bar("event with 50 triggers loaded, times one", policy["fifty_to_one"], 3, at_least=False),
        Bar("event beside a million timers, times none", policy["million_timers_to_none"], 1.25, at_least=False),
        Bar("24 hours of a person, share of an event", hours["to_event_with_score"], 0.2, at_least=False),
        Bar("the same with trees", hours["with_trees_to_event_with_score"], 0.2, at_least=False),
        Bar(
            "challenger in shadow, share of an event with score",
            summed["shadow"]["to_event_with_score"],
            0.3,
            at_least=False,
        ),
        Bar("event to message at 500 events/s, p99 in s", dispatch["p99_s"], 1, at_least=False),
        Bar("the same beside a dead and a slow endpoint", dispatch["p99_s_beside_dead_and_slow"], 1, at_least=False),
        Bar("peak memory in MB", summed["peak_rss_mb"], 600, at_least=False),
        Bar("ready after, in s", summed["startup_s"], 20, at_least=False),
        Bar("acknowledged events that the log holds, share", http["in_the_log"] / max(http["acknowledged"], 1), 1.0),
    ]


def table(details: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield from _http(details["http"])
    yield ""
    yield from _backfill(details["backfill"])
    yield ""
    yield from _triggers(details["policy"])
    yield from _send_hours(details["send_hour"])
    yield from _challenger(details["shadow"])
    yield ""
    yield from _messages(details["dispatch"])


def _http(http: dict[str, Any]) -> Iterator[str]:
    head = (
        f"{'':51}{'per s':>10}{'x ceiling':>11}{'x straight':>11}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'errors':>8}"
    )
    yield head
    for name, title in (("score", "score"), ("event", "event with score")):
        found = http[name]
        to = (found["ceiling"].per_s, found["straightforward"].per_s)
        yield _line(f"{title}: Opportune, 64 connections", found["ours"], *to)
        yield _line(f"{title}: Opportune at half of it, open loop", found["half"])
        if name == "event":
            yield f"{'  the disk alone, written and flushed at that rate':83}{_waits(http['disk'])}"
        yield _line(f"{title}: FastAPI answering a constant", found["ceiling"], *to)
        yield _line(f"{title}: FastAPI + Feast SDK + DataFrame", found["straightforward"], *to)
    yield _line("features only: feast serve", http["feast"], None, http["score"]["straightforward"].per_s)
    yield _line("prediction only: mlflow models serve", http["mlflow"], None, http["score"]["straightforward"].per_s)
    yield _line("batches of 100 events: Opportune", http["batch"]["shipped"]["requests"])
    for name, title in (
        ("shipped", "the events in them"),
        ("one_trigger", "with one trigger"),
        ("no_trigger", "with none"),
    ):
        yield f"  {title:49}{http['batch'][name]['events_per_s']:>10,.0f}{_batched(http, name):>11.2f}"
    busy = http["busy"]
    yield _line("unpinned, event with score: alone", busy["alone"])
    yield _line("unpinned, event with score: beside /healthz", busy["beside"])
    yield _line("unpinned, /healthz: 32 connections", busy["cheap"])


def _backfill(found: dict[str, Any]) -> Iterator[str]:
    title = f"backfill of {found['events']:,} events, {found['points']:,} decision points"
    yield f"{title:51}{'events/s':>10}{'ours to it':>11}"
    yield f"{'kernel over arrays, states at the points':51}{found['kernel_events_per_s']:>10,}"
    yield f"{'database to Parquet states':51}{found['end_to_end_events_per_s']:>10,}"
    same = found["same_job_events_per_s"]
    for name, rate in same.items():
        count = found["features"]["ours" if name == "ours" else "others"]
        line = f"Parquet to Parquet, {count} features: {NAMES[name]}"
        yield f"{line:51}{rate:>10,}{same['ours'] / rate:>11,.1f}"


def _triggers(found: dict[str, Any]) -> Iterator[str]:
    us = found["us_per_event"]
    yield f"{'event with score in the engine, 64 at once':51}{'µs each':>10}{'x':>11}"
    for name, title, to in (
        ("one", "one trigger, on this event", None),
        ("fifty", "50 triggers, one of them on this event", "one"),
        ("fifty_on_one_event", "50 triggers, all of them on this event", "one"),
        ("no_timers", "a trigger that waits, no timer", None),
        ("timers", f"a trigger that waits, {found['timers']:,} timers", "no_timers"),
    ):
        yield f"{title:51}{us[name]:>10,.0f}" + (f"{us[name] / us[to]:>11.2f}" if to else "")


def _send_hours(found: dict[str, Any]) -> Iterator[str]:
    us = found["us_per_event"]
    for name, title in (
        ("none", "without send hours"),
        ("hours", "with the 24 hours of the person"),
        ("hours_with_trees", "with the 24 hours, and 50 trees on top"),
    ):
        yield f"{title:51}{us[name]:>10,.0f}" + (f"{us[name] / us['none']:>11.2f}" if name != "none" else "")


def _challenger(found: dict[str, Any]) -> Iterator[str]:
    us = found["us_per_event"]
    yield f"{'processor time of it, without a challenger':51}{us['none']:>10,.0f}"
    yield f"{'with one in shadow for each horizon':51}{us['challenger']:>10,.0f}{us['challenger'] / us['none']:>11.2f}"


def _messages(found: dict[str, Any]) -> Iterator[str]:
    title = "from event to message at the receiver"
    yield f"{title:51}{'events/s':>10}{'messages':>11}{'missing':>11}{'p50 s':>9}{'p99 s':>9}"
    for name, title in (("alone", "webhooks and e-mails"), ("beside", "the same, beside a dead and a slow endpoint")):
        each = found[name]
        counts = f"{each['events_per_s']:>10,.0f}{each['messages']:>11,}{each['missing']:>11,}"
        yield f"{title:51}{counts}{each['p50_s']:>9.3f}{each['p99_s']:>9.3f}"


def _line(title: str, found: Outcome, ceiling: float | None = None, slow: float | None = None) -> str:
    ratios = "".join(f"{found.per_s / to:>11.2f}" if to else f"{'':>11}" for to in (ceiling, slow))
    return f"{title:51}{found.per_s:>10,.0f}{ratios}{_waits(found.latency)}{found.errors:>8}"


def _waits(found: Latency) -> str:
    waits = (found.p50_ms, found.p95_ms, found.p99_ms)
    return "".join(f"{wait:>9.2f}" if wait is not None else f"{'-':>9}" for wait in waits)
