"""The figures of health as gauges: names, meanings and values, for whoever serves `/metrics`."""

from collections.abc import Iterator
from typing import Any, Final

from features.moments import SECOND_US
from training.funnel import STAGES
from training.health_report import Health
from training.health_words import age_s
from training.model_health import ModelHealth

Sample = tuple[dict[str, str], float | None]
MEANINGS: Final = {
    "health_checked_timestamp_seconds": "The moment as of which health was looked at.",
    "health_window_days": "How far back it was looked at.",
    "health_status": "How it stands: 0 ok, 1 unknown, 2 changed, 3 large, 4 alert.",
    "health_last_event_age_seconds": "Since the last event came.",
    "health_last_evaluation_age_seconds": "Since features were read last.",
    "health_silence_seconds": "For how long there was no event, or nothing to send.",
    "health_silence_usual_seconds": "The longest such pause of the four weeks before.",
    "health_states_behind": "Share of states that are behind the log, of those of people who did something last.",
    "health_overdue_seconds": "For how long the message has been due that has waited longest; 0 where none waits.",
    "health_model_age_seconds": "Since the model in service was made.",
    "health_reference": "Whether the model's bundle says what it learned from.",
    "health_feature_drift": "Population stability index of a feature as served.",
    "health_feature_drift_bound": "What chance takes that index to, in 99 of 100 cases.",
    "health_features_changed": "Features of the model that changed, or changed largely.",
    "health_score_drift": "Population stability index of the scores.",
    "health_score_drift_bound": "What chance takes that index to, in 99 of 100 cases.",
    "health_order_rate": "Share of matured rows followed by an order: as it was expected, and as it came.",
    "health_order_rate_margin": "What chance makes of the difference of the two, in 99 of 100 cases.",
    "health_log_loss": "Log-loss of matured rows: as it was expected, and as it came; and expected of what is open.",
    "health_roc_auc": "ROC-AUC of matured rows: as it was expected, and as it came; and expected of what is open.",
    "health_funnel": "Decisions of a trigger that came to a stage; what a message came to by people alone.",
    "health_machines": "Decisions whose message a machine opened, or followed a link of.",
    "health_undelivered": "Decisions to send that are not delivered, by where their message stands.",
    "health_held": "Decisions that sent nothing, by reason.",
    "health_effect": "What sending changed in the last week that is over, with the ends of a 95 % interval.",
}


def gauges(found: Health) -> list[dict[str, Any]]:
    """Return every gauge with its samples, also those without any; what has no answer has no sample."""
    by_name: dict[str, list[Sample]] = {name: [] for name in MEANINGS}
    for name, labels, value in _samples(found):
        if value is not None:
            by_name[name].append((labels, value))
    return [
        {
            "name": name,
            "meaning": MEANINGS[name],
            "samples": [{"labels": labels, "value": value} for labels, value in samples],
        }
        for name, samples in by_name.items()
    ]


def _samples(found: Health) -> Iterator[tuple[str, dict[str, str], float | None]]:
    yield "health_checked_timestamp_seconds", {}, found.at_us / SECOND_US
    yield "health_window_days", {}, found.days
    for check in found.checks:
        yield "health_status", {"check": check.name}, float(check.status.grade)
    yield "health_last_event_age_seconds", {}, found.events.age_s
    yield "health_last_evaluation_age_seconds", {}, found.evaluated_s
    for what, silence in (("events", found.events), ("sends", found.sends)):
        yield "health_silence_seconds", {"of": what}, silence.age_s
        yield "health_silence_usual_seconds", {"of": what}, silence.usual_s
    if found.states is not None and found.states.looked_at:
        yield "health_states_behind", {}, found.states.behind / found.states.looked_at
    yield "health_overdue_seconds", {}, found.overdue_s or 0.0
    for each in found.models:
        yield from _of_model(each, found.at_us)
    yield from _of_triggers(found)


def _of_model(found: ModelHealth, at_us: int) -> Iterator[tuple[str, dict[str, str], float | None]]:
    own = {"horizon": found.horizon}
    yield "health_model_age_seconds", own, max(age_s(found.created_at, at_us), 0.0)
    yield "health_reference", own, float(found.reference is not None)
    if found.shifts is not None:
        yield from _of_shifts(found, own)
    if found.realised is not None:
        its = found.realised
        pairs = (("realised", its.rate, its.log_loss, its.roc_auc), ("expected", *its.expected))
        for how, rate, log_loss, roc_auc in pairs:
            yield "health_order_rate", {**own, "how": how}, rate
            yield "health_log_loss", {**own, "how": how}, log_loss
            yield "health_roc_auc", {**own, "how": how}, roc_auc
        yield "health_order_rate_margin", own, its.level.margin
    if found.foreseen is not None:
        yield "health_log_loss", {**own, "how": "foreseen"}, found.foreseen.log_loss
        yield "health_roc_auc", {**own, "how": "foreseen"}, found.foreseen.roc_auc


def _of_shifts(found: ModelHealth, own: dict[str, str]) -> Iterator[tuple[str, dict[str, str], float | None]]:
    its = found.shifts
    if its is None:
        return
    for name, each in its.by_feature.items():
        yield "health_feature_drift", {**own, "feature": name}, each.psi
        yield "health_feature_drift_bound", {**own, "feature": name}, each.bound
    if its.by_feature:
        words = [each.status.value for each in its.by_feature.values()]
        for how in ("changed", "large"):
            yield "health_features_changed", {**own, "how": how}, float(words.count(how))
    if its.scores is not None:
        yield "health_score_drift", own, its.scores.psi
        yield "health_score_drift_bound", own, its.scores.bound


def _of_triggers(found: Health) -> Iterator[tuple[str, dict[str, str], float | None]]:
    for each in found.funnels:
        own = {"trigger": each.trigger}
        for stage in STAGES:
            yield "health_funnel", {**own, "stage": stage}, float(each.stages[stage])
        yield "health_machines", own, float(each.machines)
        for status, count in each.undelivered.items():
            yield "health_undelivered", {**own, "status": status}, float(count)
        for reason, count in each.held.items():
            yield "health_held", {**own, "reason": reason}, float(count)
    # Of each trigger the last week that says anything takes the place of those before it.
    told = {each.trigger: each.effect for each in found.weeks if each.effect is not None}
    for trigger, effect in told.items():
        for end, value in effect._asdict().items():
            yield "health_effect", {"trigger": trigger, "end": end}, value
