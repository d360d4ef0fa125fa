"""From declarations to numbers: the slots of a state and the tables that drive the kernels."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.declare import (
    Age,
    AtMoment,
    Cart,
    Declaration,
    Gap,
    Ratio,
    Session,
    Sum,
    Tally,
)
from features.kinds import Kind

STATE_FORMAT = 1
"""Raise it when a kernel changes what a slot means: every stored state is then rebuilt from the log."""

SESSION_STARTED = 63
"""A bit beside those of the kinds: this event began a session."""

# Slots that every state has, whatever is declared.
STAMP, SEQ, KNOWN_AT, ANCHOR, UTC_OFFSET, FIRST_AT = range(6)
ORDERS, ORDER_FIRST, ORDER_LAST, GAPS, GAP_SQUARES = range(6, 11)
CART_ITEMS, CART_VALUE, CART_OPENED, CART_TOUCHED, CART_EMPTIED = range(11, 16)
SESSION_START, SESSION_LAST, SESSION_DEPTH, SESSION_CELLS_LOW, SESSION_CELLS_HIGH = range(16, 21)
FIXED_SLOTS = 21
CELLS = 64
"""Cells in which the products of a session are counted."""
SESSION_GAP_US = 30 * 60 * 1e6
"""A pause longer than this ends a session (the convention of web analytics)."""
DAY_US, HOUR_US, MINUTE_US = 86_400e6, 3_600e6, 60e6
PROFILE_SLOTS = 24 + 7
PROFILE_HALF_LIFE = timedelta(days=90)

# What read() can do; the second element of a row of `ops`.
READ_SUM, READ_RATIO, READ_AGE, READ_CART, READ_SESSION, READ_GAP, READ_MOMENT = range(7)
FACTS: dict[int, tuple[str, ...]] = {
    READ_CART: ("items", "value", "age_h", "idle_h"),
    READ_SESSION: ("length_min", "depth", "products"),
    READ_GAP: ("mean_d", "spread_d", "relative"),
    READ_MOMENT: (
        "hour_sin",
        "hour_cos",
        "weekday_sin",
        "weekday_cos",
        "hour_share",
        "next_day_share",
        "tenure_d",
    ),
}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Tables(NamedTuple):
    """What the kernels are driven by; plain arrays, so that compiled code can be cached on disk."""

    stamp: float
    width: int
    rates: Floats
    """ln 2 / half-life in seconds, one for each group of slots that decay alike; 0 for totals."""
    groups: Ints
    """(half-lives, 2): first slot and end of the slots that share a half-life."""
    masks: npt.NDArray[np.uint64]
    """Which kinds a tally counts, a bit each."""
    tallies: Ints
    """(tallies, 4): slot, column of the record, sender, half-life."""
    age_masks: npt.NDArray[np.uint64]
    age_slots: Ints
    ops: Ints
    """(features, 5): operation, slot, half-life, and for ratios the second slot and half-life."""
    profile_slot: int
    profile_half_life: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The compiled catalogue: features in the order of every feature vector, and the layout of every state."""

    declarations: tuple[Declaration, ...]
    names: tuple[str, ...]
    meanings: tuple[str, ...]
    directions: tuple[int, ...]
    fingerprints: dict[str, str]
    """One for each feature: it changes with what the feature means, and with nothing else."""
    fingerprint: str
    layout_fingerprint: str
    tables: Tables

    @property
    def width(self) -> int:
        """Slots of a state."""
        return self.tables.width

    @property
    def n_features(self) -> int:
        """Length of a feature vector."""
        return len(self.names)


def compile_catalogue(declarations: Sequence[Declaration]) -> Catalogue:
    """Return the catalogue of these declarations.

    Raises:
        ValueError: Two features share a name.
    """
    names = tuple(each.name for each in declarations)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"declared more than once: {', '.join(repeated)}")
    fingerprints = {each.name: _digest(_described(each)) for each in declarations}
    tallies, ages = _tallies(declarations), _ages(declarations)
    layout = _digest({"format": STATE_FORMAT, "tallies": [_plain(t) for t in tallies], "ages": _plain(ages)})
    return Catalogue(
        declarations=tuple(declarations),
        names=names,
        meanings=tuple(each.meaning for each in declarations),
        directions=tuple(each.direction for each in declarations),
        fingerprints=fingerprints,
        fingerprint=_digest(fingerprints),
        layout_fingerprint=layout,
        tables=_tables(declarations, tallies, ages, stamp=float(int(layout[:12], 16))),
    )


def _tallies(declarations: Sequence[Declaration]) -> list[Tally]:
    wanted: dict[Tally, None] = {}
    for each in declarations:
        if isinstance(each, Sum):
            wanted[each.of] = None
        elif isinstance(each, Ratio):
            wanted[each.of] = None
            wanted[each.to] = None
    return sorted(wanted, key=_half_life_s)


def _ages(declarations: Sequence[Declaration]) -> list[frozenset[Kind]]:
    return list(dict.fromkeys(each.kinds for each in declarations if isinstance(each, Age)))


def _half_life_s(tally: Tally) -> float:
    return tally.half_life.total_seconds() if tally.half_life is not None else np.inf


def _tables(
    declarations: Sequence[Declaration], tallies: list[Tally], ages: list[frozenset[Kind]], *, stamp: float
) -> Tables:
    profile_s = PROFILE_HALF_LIFE.total_seconds()
    half_lives = sorted({_half_life_s(each) for each in tallies} | {profile_s})
    slot, groups, slots, profile_slot = FIXED_SLOTS, [], {}, 0
    for half_life in half_lives:
        first = slot
        for each in (t for t in tallies if _half_life_s(t) == half_life):
            slots[each], slot = slot, slot + 1
        if half_life == profile_s:
            profile_slot, slot = slot, slot + PROFILE_SLOTS
        groups.append((first, slot))
    age_slots = {kinds: slot + i for i, kinds in enumerate(ages)}
    place = {each: (slots[each], half_lives.index(_half_life_s(each))) for each in tallies}
    return Tables(
        stamp=stamp,
        width=slot + len(ages),
        rates=np.log(2.0) / np.array(half_lives),
        groups=np.array(groups, dtype=np.int64),
        masks=np.array([_mask(each.kinds, sessions=each.sessions) for each in tallies], dtype=np.uint64),
        tallies=np.array([(place[t][0], t.source, t.sender, place[t][1]) for t in tallies], dtype=np.int64).reshape(
            -1, 4
        ),
        age_masks=np.array([_mask(kinds) for kinds in ages], dtype=np.uint64),
        age_slots=np.array(list(age_slots.values()), dtype=np.int64),
        ops=np.array([_op(each, place, age_slots) for each in declarations], dtype=np.int64).reshape(-1, 5),
        profile_slot=profile_slot,
        profile_half_life=half_lives.index(profile_s),
    )


def _op(
    each: Declaration, place: dict[Tally, tuple[int, int]], age_slots: dict[frozenset[Kind], int]
) -> tuple[int, int, int, int, int]:
    match each:
        case Sum():
            return (READ_SUM, *place[each.of], 0, 0)
        case Ratio():
            return (READ_RATIO, *place[each.of], *place[each.to])
        case Age():
            return (READ_AGE, age_slots[each.kinds], 0, 0, 0)
        case Cart():
            return (READ_CART, FACTS[READ_CART].index(each.fact), 0, 0, 0)
        case Session():
            return (READ_SESSION, FACTS[READ_SESSION].index(each.fact), 0, 0, 0)
        case Gap():
            return (READ_GAP, FACTS[READ_GAP].index(each.fact), 0, 0, 0)
        case AtMoment():
            return (READ_MOMENT, FACTS[READ_MOMENT].index(each.fact), 0, 0, 0)
        case _:
            raise TypeError(f"{type(each).__name__} is no kind of feature")


def _mask(kinds: Iterable[Kind], *, sessions: bool = False) -> int:
    return 1 << SESSION_STARTED if sessions else sum(1 << kind for kind in kinds)


def _described(each: Declaration) -> dict[str, Any]:
    """What a feature means: all of its declaration but its prose and its direction."""
    described = {key: _plain(value) for key, value in asdict(each).items() if key not in ("meaning", "direction")}
    return {"format": STATE_FORMAT, "type": type(each).__name__, **described}


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return value.total_seconds()
        case frozenset():
            return sorted(int(kind) for kind in value)
        case Tally():
            return {key: _plain(inner) for key, inner in asdict(value).items()}
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
