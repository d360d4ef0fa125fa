"""Health as JSON: every figure, `null` where there is no answer."""

from typing import Any

from training.drift import Shift
from training.funnel import STAGES, Funnel
from training.health_gauges import gauges
from training.health_report import Health
from training.lineage import iso
from training.model_health import ModelHealth
from training.realised import Realised
from training.weekly import Week


def as_json(found: Health) -> dict[str, Any]:
    """Return what `make health JSON=1` prints, and the server reads."""
    return {
        "format": 1,
        "at": iso(found.at_us),
        "days": found.days,
        "status": found.status.value,
        "checks": [each._asdict() for each in found.checks],
        "models": [_model(each) for each in found.models],
        "events": found.events._asdict(),
        "sends": found.sends._asdict(),
        "evaluated_s": found.evaluated_s,
        "states": None if found.states is None else found.states._asdict(),
        "overdue_s": found.overdue_s,
        "funnels": [_funnel(each) for each in found.funnels],
        "weeks": [_week(each) for each in found.weeks],
        "gauges": gauges(found),
    }


def _model(found: ModelHealth) -> dict[str, Any]:
    shifts = found.shifts
    return {
        "horizon": found.horizon,
        "model": found.model,
        "created_at": found.created_at,
        "learned_until": found.learned_until,
        "served": found.served,
        "reference": None if found.reference is None else found.reference.judged.model_dump(mode="json"),
        "expected": None if found.foreseen is None else found.foreseen._asdict(),
        "features": None if shifts is None else {name: _shift(each) for name, each in shifts.by_feature.items()},
        "scores": None if shifts is None or shifts.scores is None else _shift(shifts.scores),
        "compared": None
        if shifts is None
        else {"rows": shifts.rows, "worth": shifts.worth, "left_out": shifts.left_out},
        "realised": None if found.realised is None else _realised(found.realised),
    }


def _shift(found: Shift) -> dict[str, Any]:
    return {"index": found.psi, "bound": found.bound, "status": found.status.value}


def _realised(found: Realised) -> dict[str, Any]:
    inner = {name: getattr(found, name)._asdict() for name in ("expected", "level", "loss")}
    return {**found._asdict(), **inner, "status": found.status.value}


def _funnel(found: Funnel) -> dict[str, Any]:
    return {
        "trigger": found.trigger,
        "stages": {each: found.stages[each] for each in STAGES},
        "machines": found.machines,
        "undelivered": dict(found.undelivered),
        "held": dict(found.held),
    }


def _week(found: Week) -> dict[str, Any]:
    effect = found.effect
    return {
        "trigger": found.trigger,
        "since": iso(found.since),
        "sent": found.sent._asdict(),
        "withheld": found.withheld._asdict(),
        "too_early": found.too_early,
        "effect": None if effect is None else effect._asdict(),
        "words": found.words,
    }
