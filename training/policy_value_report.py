"""What `make policy-value` leaves behind: lines on the screen, JSON, pictures, a run in MLflow."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.decision_log import TriggerLog
from training.decisions import Prices
from training.off_policy import Unanswerable
from training.policy_value_plot import draw
from training.registry import Registry
from training.thresholds import Curve, Point, curve
from training.uplift_verdict import UpliftVerdict, judge

EXPERIMENT = "opportune-policy-value"
MILLE = 1000
"""What is told is of a thousand decisions."""


class Report:
    """Judges triggers and writes down what was found, below `policy-value` in the home."""

    def __init__(self, home: Path, prices: Prices, registry: str | None = None) -> None:
        """`registry` is an MLflow other than the one in `home`."""
        self._home, self._prices, self._uri = home, prices, registry
        self._directory = home / "policy-value"

    def write(self, logs: Sequence[TriggerLog]) -> Iterator[str]:
        """Judge each trigger and yield what to print; files and runs are written meanwhile."""
        self._directory.mkdir(parents=True, exist_ok=True)
        yield self._prices.in_words
        registry = Registry(self._home, self._uri, experiment=EXPERIMENT)
        whole: dict[str, Any] = {"prices": asdict(self._prices), "triggers": {}}
        for log in logs:
            found, refusal = self._judged(log)
            uplift = judge(log.decisions.where(log.above), self._prices)
            whole["triggers"][log.trigger] = _figures(log, found, refusal, uplift)
            yield from lines(log, found, refusal)
            yield f"  uplift: {uplift.reason}"
            if uplift.switch is not None:
                yield f"  to learn it, where the policy says `uplift: auto`: make uplift TRIGGER={log.trigger}"
            run = self._record(registry, log, found, whole["triggers"][log.trigger])
            whole["triggers"][log.trigger] |= {
                "run": run,
                "reported_at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        path = self._directory / "summary.json"
        path.write_text(json.dumps(whole, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        yield f"figures in {path}, pictures beside it"
        changes = [
            name for name, each in whole["triggers"].items() if each["recommended"] not in (None, each["present"])
        ]
        for each in changes:
            yield f"to accept it, where the policy says `threshold: auto`: make accept-threshold TRIGGER={each}"

    def _judged(self, log: TriggerLog) -> tuple[Curve | None, str]:
        if log.by_uplift is not None:
            return None, f"it goes by uplift ({log.by_uplift}), and by no threshold of the score"
        if log.by_arm:
            return None, "its arms ask for different scores, so that no one threshold is in force: `make report` tells"
        try:
            return curve(log.decisions, self._prices, log.present), ""
        except Unanswerable as refused:
            return None, str(refused)

    def _record(self, registry: Registry, log: TriggerLog, found: Curve | None, figures: dict[str, Any]) -> str:
        files = self._directory / log.trigger
        files.mkdir(parents=True, exist_ok=True)
        (files / "figures.json").write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        if found is not None:
            draw(files / "curve.png", found, f"{log.trigger}: earned by 1,000 decisions")
        with registry.run(log.trigger) as run:
            registry.record(
                {"trigger": log.trigger, "horizon": log.horizon, **asdict(self._prices)},
                _metrics(log, found),
                {"verdict": figures["reason"], "uplift": figures["uplift"]["reason"]},
                files,
            )
        return run


def lines(log: TriggerLog, found: Curve | None, refusal: str) -> Iterator[str]:
    """Yield what to print of one trigger."""
    counted = f"{len(log.decisions):,} decisions by score, {log.immature:,} more not matured"
    yield f"{log.trigger}: {counted}, orders within {log.horizon}"
    if found is None:
        yield f"  no answer: {refusal}"
    else:
        yield f"  {'threshold':>9}  {'sends':>6}  {'earned by 1,000 decisions':>28}  {'more than at present':>26}"
        yield from (_line(point, found) for point in found.points if point.threshold <= 1)
        yield f"  {found.reason}"
    if not log.explores and log.by_uplift is None:
        yield (
            f"  below {log.present:.3f} nothing is sent by chance, {log.held_for_sure:,} decisions were held for sure: "
            "what a lower threshold would earn stays unknown without exploration"
        )


def _line(point: Point, found: Curve) -> str:
    mark = " <- present" if point.threshold == found.present else ""
    mark = " <- recommended" if point.threshold == found.recommended != found.present else mark
    head = f"  {point.threshold:9.3f}  {point.sends:6.1%}"
    if point.value is None or point.gain is None:
        return f"{head}  {point.refusal}{mark}"
    value, gain = (tuple(MILLE * each for each in interval) for interval in (point.value, point.gain))
    told = f"{value[0]:.1f} [{value[1]:.1f}, {value[2]:.1f}]"
    more = "" if point.threshold == found.present else f"{gain[0]:+.1f} [{gain[1]:+.1f}, {gain[2]:+.1f}]"
    return f"{head}  {told:>28}  {more:>26}{mark}"


def _figures(log: TriggerLog, found: Curve | None, refusal: str, uplift: UpliftVerdict) -> dict[str, Any]:
    return {
        "decisions": len(log.decisions),
        "not_matured": log.immature,
        "horizon": log.horizon,
        "explores": log.explores,
        "held_for_sure": log.held_for_sure,
        "present": log.present,
        "policy_version": log.policy_version,
        "candidate": None if found is None else found.candidate,
        "recommended": None if found is None else found.recommended,
        "reason": refusal if found is None else found.reason,
        "points": [] if found is None else [_point(each) for each in found.points],
        "uplift": asdict(uplift),
    }


def _point(point: Point) -> dict[str, Any]:
    told = {name: None if each is None else each._asdict() for name, each in _parts(point)}
    return {**{name: each for name, each in vars(point).items() if name not in told}, **told}


def _parts(point: Point) -> Iterator[tuple[str, Any]]:
    yield from (("value", point.value), ("gain", point.gain), ("all_three", point.all_three))


def _metrics(log: TriggerLog, found: Curve | None) -> dict[str, float]:
    told = {"decisions": float(len(log.decisions)), "present": log.present}
    if found is None:
        return told
    by_threshold = {each.threshold: each for each in found.points}
    chosen = by_threshold[found.recommended]
    told["recommended"] = found.recommended
    if chosen.value is not None and chosen.gain is not None:
        told |= {f"value.{name}": each for name, each in chosen.value._asdict().items()}
        told |= {f"gain.{name}": each for name, each in chosen.gain._asdict().items()}
    return told
