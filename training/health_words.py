"""What is said of health: lines about a model, and times as people say them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from features.moments import SECOND_US
from training.drift import Shift
from training.model_health import NO_REFERENCE, ModelHealth
from training.realised import LEAST_ORDERS, Realised
from training.shifts import LEAST_WORTH
from training.status import Status

Line = tuple[str, Status, str]
NAMED: Final = 5
"""Features that are named on one line, those that changed most."""
_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def age(seconds: float) -> str:
    """Return a time in its largest unit, such as ``3.2 h``."""
    for unit, name in _UNITS:
        if abs(seconds) >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"


def age_s(moment: str, at_us: int) -> float:
    """Return the seconds from a moment, ISO 8601, to another one in microseconds."""
    return at_us / SECOND_US - datetime.fromisoformat(moment).timestamp()


def checks_of_model(found: ModelHealth, at_us: int) -> Iterator[Line]:
    """Yield what to say of a model: name, word and reason."""
    words = found.statuses
    yield f"{found.horizon} model", Status.OK, _of_itself(found, at_us)
    if found.reference is None:
        yield f"{found.horizon} features", Status.UNKNOWN, NO_REFERENCE
    else:
        yield f"{found.horizon} features", words["features"], _of_features(found)
        yield f"{found.horizon} scores", words["scores"], _of_scores(found)
    yield f"{found.horizon} calibration", words["calibration"], _of_level(found.realised)
    yield f"{found.horizon} performance", _performance(found.realised), _of_performance(found)


def _performance(found: Realised | None) -> Status:
    if found is None or found.status is Status.UNKNOWN:
        return Status.UNKNOWN
    return Status.OK if found.loss.is_chance else Status.CHANGED


def _of_itself(found: ModelHealth, at_us: int) -> str:
    until = "" if found.learned_until is None else f"; it knew the log until {found.learned_until}"
    old = age_s(found.created_at, at_us)
    made = f"made {age(old)} ago" if old >= 0 else "made after this moment"
    return f"{found.model}, {made}{until}"


def _of_features(found: ModelHealth) -> str:
    its = found.shifts
    if its is None or not its.by_feature:
        worth = 0.0 if its is None else its.worth
        return f"rows served are worth {worth:.0f} independent ones; {LEAST_WORTH:.0f} are needed"
    other = f"; {its.left_out:,} rows of other occasions left out" if its.left_out else ""
    moved = {name: each for name, each in its.by_feature.items() if each.status is not Status.OK}
    told = f"{its.rows:,} rows, worth {its.worth:,.0f}{other}"
    if not moved:
        return f"none of {len(its.by_feature)} changed; {told}"
    most = sorted(moved.items(), key=lambda each: -each[1].psi)[:NAMED]
    return f"{len(moved)} of {len(its.by_feature)} changed: {', '.join(_one(*each) for each in most)}; {told}"


def _one(name: str, found: Shift) -> str:
    return f"{name} {found.psi:.2f}"


def _of_scores(found: ModelHealth) -> str:
    its = None if found.shifts is None else found.shifts.scores
    if its is None:
        return f"{found.served:,} of this model are too few"
    return f"index {its.psi:.3f}, chance takes it to {its.bound:.3f}; {found.served:,} of this model"


def _of_level(found: Realised | None) -> str:
    if found is None:
        return "nothing has matured yet that this model scored"
    left = f"; {found.left_out:,} rows left out, since a message may have changed them" if found.left_out else ""
    told = f"{found.rate:.2%} ordered, {found.expected.rate:.2%} expected"
    if found.status is Status.UNKNOWN:
        return f"{found.orders} rows were followed by an order, {LEAST_ORDERS} are needed{left}"
    return (
        f"{told}: {found.level.estimate:+.2%}, chance takes it to ±{found.level.margin:.2%}; {found.rows:,} rows{left}"
    )


def _of_performance(found: ModelHealth) -> str:
    said = []
    if found.foreseen is not None:
        said.append(f"now expects ROC-AUC {_figure(found.foreseen.roc_auc)}, log-loss {found.foreseen.log_loss:.4f}")
    if found.realised is not None:
        its = found.realised
        said.append(
            f"matured: ROC-AUC {_figure(its.roc_auc)} where {_figure(its.expected.roc_auc)} was expected, "
            f"log-loss {its.log_loss:.4f} where {its.expected.log_loss:.4f} was"
        )
    if found.reference is not None:
        judged = found.reference.judged
        said.append(f"when trained: {_figure(judged.roc_auc)} and {judged.log_loss:.4f}")
    return "; ".join(said) or "it has scored nobody yet"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
