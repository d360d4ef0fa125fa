"""What a feature and a layout mean, as a digest that changes with the meaning and with nothing else."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from features.activity import (
    ELSEWHERE,
    ORDERS_KEPT,
    PASSIVE,
    PROFILE_HALF_LIFE,
    PROFILE_PRIOR,
    SESSION_GAP,
    SHORTEST_MEAN_GAP,
)
from features.declare import AtMoment, Declaration, Gap, GapFact, Moment, Ratio, Session, Sum, Tally, Trait
from features.kinds import Kind

STATE_FORMAT: Final = 2
"""Raise it when a kernel changes what a slot or a feature means: every stored state is then rebuilt from the log."""

_ACTIVITY: Final = {"passive": PASSIVE}
_SESSIONS: Final = {**_ACTIVITY, "elsewhere": ELSEWHERE, "gap": SESSION_GAP}
_PROFILE: Final = {**_ACTIVITY, "half_life": PROFILE_HALF_LIFE}
_MOMENTS: Final[dict[Moment, dict[str, Any]]] = {
    Moment.TENURE_D: _ACTIVITY,
    Moment.HOUR_SHARE: {**_PROFILE, "prior": PROFILE_PRIOR},
    Moment.NEXT_DAY_SHARE: {**_PROFILE, "prior": PROFILE_PRIOR},
}
_GAPS: Final[dict[GapFact, dict[str, Any]]] = {
    GapFact.SPREAD_D: {"kept": ORDERS_KEPT},
    GapFact.RELATIVE: {"shortest": SHORTEST_MEAN_GAP},
}


def of_feature(declaration: Declaration) -> str:
    """Return the fingerprint of one feature: of all it says but its prose and its direction."""
    said = {key: value for key, value in asdict(declaration).items() if key not in ("meaning", "direction")}
    return _digest(
        {
            "format": STATE_FORMAT,
            "type": type(declaration).__name__,
            **said,
            "conventions": _conventions(declaration),
        }
    )


def of_catalogue(features: dict[str, str]) -> str:
    """Return the fingerprint of features together, given that of each."""
    return _digest(features)


def of_layout(tallies: Iterable[Tally], ages: Iterable[frozenset[Kind]], traits: Sequence[Trait]) -> str:
    """Return the fingerprint of the states that hold these, in this order."""
    said: dict[str, Any] = {
        "format": STATE_FORMAT,
        "tallies": [asdict(each) for each in tallies],
        "ages": list(ages),
        "conventions": [_SESSIONS, _PROFILE, ORDERS_KEPT],
    }
    if traits:
        said["traits"] = [(each.trait, each.values) for each in traits]
    return _digest(said)


def of_habits() -> str:
    """Return the fingerprint of a state's profile over the hours of the day: of what counts in it, and how it fades."""
    return _digest({"format": STATE_FORMAT, "profile": _PROFILE})


def _conventions(declaration: Declaration) -> dict[str, Any]:
    match declaration:
        case Session():
            return _SESSIONS
        case Sum(of=Tally(sessions=True)) | Ratio(of=Tally(sessions=True)) | Ratio(to=Tally(sessions=True)):
            return _SESSIONS
        case AtMoment(fact=moment):
            return _MOMENTS.get(moment, {})
        case Gap(fact=gap):
            return _GAPS.get(gap, {})
        case _:
            return {}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return value.total_seconds()
        case frozenset():
            return sorted(int(kind) for kind in value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value
