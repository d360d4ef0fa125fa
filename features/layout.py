"""From declarations to numbers: the slots of a state and the tables that drive the kernels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from features import fingerprints
from features.activity import ORDERS_KEPT, PROFILE_HALF_LIFE
from features.declare import (
    Age,
    AtMoment,
    Cart,
    CartFact,
    Declaration,
    Gap,
    GapFact,
    Moment,
    Ratio,
    Session,
    SessionFact,
    Sum,
    Tally,
    Trait,
)
from features.events import RECORD_WIDTH
from features.kinds import Kind

# Slots that every state has, whatever is declared.
STAMP, SEQ, KNOWN_AT, ANCHOR, UTC_OFFSET, OFFSET_AT, FIRST_AT = range(7)
ORDERS, ORDER_FIRST, ORDERS_FROM = range(7, 10)
ORDER_LAST: Final = ORDERS_FROM + ORDERS_KEPT - 1
"""The moments of the latest orders ascend from ORDERS_FROM to here."""
CART_ITEMS, CART_VALUE, CART_OPENED, CART_TOUCHED, CART_EMPTIED = range(ORDER_LAST + 1, ORDER_LAST + 6)
SESSION_START, SESSION_LAST, SESSION_DEPTH, CELLS_LOW, CELLS_HIGH = range(CART_EMPTIED + 1, CART_EMPTIED + 6)
FIXED_SLOTS: Final = CELLS_HIGH + 1
CELLS: Final = 64
"""Cells in which the products of a session are counted, half of them in each of two slots."""
PROFILE_SLOTS: Final = 24 + 7
TRAIT_SLOTS: Final = 3
"""Of each trait: its number, when that was told, and at which position of the log."""

SESSION_STARTED: Final = 63
"""Beside the kinds of events: one of them began a session."""

# What read() can do; the first element of a row of `ops`.
READ_SUM, READ_RATIO, READ_AGE, READ_CART, READ_SESSION, READ_GAP, READ_MOMENT, READ_TRAIT = range(8)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Tables(NamedTuple):
    """What the kernels are driven by; plain arrays, so that compiled code can be cached on disk."""

    stamp: float
    rates: Floats
    """ln 2 / half-life in seconds, one for each group of slots that decay alike; 0 for totals."""
    groups: Ints
    """(half-lives, 2): first slot of a group, and the one behind its last."""
    tallies: Ints
    """(n, 4): slot, column of the record, sender, half-life; those of one kind of event adjacent."""
    tallies_from: Ints
    """Where the tallies of each kind begin, and those of the kind before it end."""
    ages: Ints
    """Slots of ages; those of one kind of event adjacent."""
    ages_from: Ints
    end_slots: Ints
    """(3,): first slot of the ages, first of the traits, which have three each, and the one behind the last of all."""
    ops: Ints
    """(features, 5): operation, slot or fact, half-life, and for ratios the second slot and half-life."""
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
    width: int
    """Slots of a state."""
    tables: Tables
    traits: tuple[Trait, ...] = ()
    """What of a person's traits is read, in the order of the columns that a record has for them."""

    @property
    def record_width(self) -> int:
        """Numbers of a record in memory: those that the log keeps, and one for each trait."""
        return RECORD_WIDTH + len(self.traits)

    @property
    def n_features(self) -> int:
        """Length of a feature vector."""
        return len(self.names)


def compile_catalogue(declarations: Sequence[Declaration]) -> Catalogue:
    """Return the catalogue of these declarations.

    Raises:
        ValueError: Two features share a name, or a half-life is not above zero.
    """
    names = tuple(each.name for each in declarations)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"declared more than once: {', '.join(repeated)}")
    tallies, ages, traits = _tallies(declarations), _ages(declarations), _traits(declarations)
    of_features = {each.name: fingerprints.of_feature(each) for each in declarations}
    of_layout = fingerprints.of_layout(tallies, ages, traits)
    slots = _slots(tallies, ages, traits)
    return Catalogue(
        declarations=tuple(declarations),
        names=names,
        meanings=tuple(each.meaning for each in declarations),
        directions=tuple(each.direction for each in declarations),
        fingerprints=of_features,
        fingerprint=fingerprints.of_catalogue(of_features),
        layout_fingerprint=of_layout,
        width=slots.width,
        tables=_tables(declarations, slots, stamp=float(int(of_layout[:12], 16))),
        traits=traits,
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


def _traits(declarations: Sequence[Declaration]) -> tuple[Trait, ...]:
    """Return one declaration for each trait that is read in a way of its own."""
    found = {(each.trait, each.values): each for each in declarations if isinstance(each, Trait)}
    return tuple(found.values())


def _half_life_s(tally: Tally) -> float:
    if tally.half_life is None:
        return np.inf
    if tally.half_life.total_seconds() <= 0.0:
        raise ValueError(f"a half-life of {tally.half_life} is not above zero")
    return tally.half_life.total_seconds()


@dataclass(frozen=True, slots=True)
class _Slots:
    """Which slot is whose: slots that decay alike are adjacent; totals, ages and traits come last."""

    half_lives: list[float]
    groups: list[tuple[int, int]]
    tallies: dict[Tally, tuple[int, int]]
    """Slot and number of the half-life."""
    profile: tuple[int, int]
    ages: dict[frozenset[Kind], int]
    traits: dict[tuple[str, tuple[str, ...] | None], int]
    width: int

    @property
    def first_trait(self) -> int:
        """Return the first slot behind those of the ages."""
        return self.width - len(self.traits) * TRAIT_SLOTS


def _slots(tallies: list[Tally], ages: list[frozenset[Kind]], traits: Sequence[Trait]) -> _Slots:
    profile_s = PROFILE_HALF_LIFE.total_seconds()
    half_lives = sorted({_half_life_s(each) for each in tallies} | {profile_s})
    slot, groups, places, profile = FIXED_SLOTS, [], {}, (0, 0)
    for i, half_life in enumerate(half_lives):
        first = slot
        for each in (t for t in tallies if _half_life_s(t) == half_life):
            places[each], slot = (slot, i), slot + 1
        if half_life == profile_s:
            profile, slot = (slot, i), slot + PROFILE_SLOTS
        groups.append((first, slot))
    of_ages = {kinds: slot + i for i, kinds in enumerate(ages)}
    slot += len(ages)
    of_traits = {(each.trait, each.values): slot + i * TRAIT_SLOTS for i, each in enumerate(traits)}
    return _Slots(half_lives, groups, places, profile, of_ages, of_traits, slot + len(traits) * TRAIT_SLOTS)


def _tables(declarations: Sequence[Declaration], slots: _Slots, *, stamp: float) -> Tables:
    tallies = [
        [(slot, tally.source, tally.sender, i) for tally, (slot, i) in slots.tallies.items() if kind in _kinds(tally)]
        for kind in range(SESSION_STARTED + 1)
    ]
    ages = [[slot for kinds, slot in slots.ages.items() if kind in kinds] for kind in range(SESSION_STARTED + 1)]
    return Tables(
        stamp=stamp,
        rates=np.log(2.0) / np.array(slots.half_lives),
        groups=np.array(slots.groups, dtype=np.int64),
        tallies=np.array(list(chain.from_iterable(tallies)), dtype=np.int64).reshape(-1, 4),
        tallies_from=_starts(tallies),
        ages=np.array(list(chain.from_iterable(ages)), dtype=np.int64),
        ages_from=_starts(ages),
        end_slots=np.array((slots.first_trait - len(slots.ages), slots.first_trait, slots.width)),
        ops=np.array([_op(each, slots) for each in declarations], dtype=np.int64).reshape(-1, 5),
        profile_slot=slots.profile[0],
        profile_half_life=slots.profile[1],
    )


def _kinds(tally: Tally) -> Iterable[int]:
    return (SESSION_STARTED,) if tally.sessions else tally.kinds


def _starts(rows: Sequence[Sequence[object]]) -> Ints:
    return np.cumsum([0, *map(len, rows)], dtype=np.int64)


def _op(each: Declaration, slots: _Slots) -> tuple[int, int, int, int, int]:
    match each:
        case Sum():
            return (READ_SUM, *slots.tallies[each.of], 0, 0)
        case Ratio():
            return (READ_RATIO, *slots.tallies[each.of], *slots.tallies[each.to])
        case Age():
            return (READ_AGE, slots.ages[each.kinds], 0, 0, 0)
        case Cart():
            return (READ_CART, list(CartFact).index(each.fact), 0, 0, 0)
        case Session():
            return (READ_SESSION, list(SessionFact).index(each.fact), 0, 0, 0)
        case Gap():
            return (READ_GAP, list(GapFact).index(each.fact), 0, 0, 0)
        case AtMoment():
            return (READ_MOMENT, list(Moment).index(each.fact), 0, 0, 0)
        case Trait():
            return (READ_TRAIT, slots.traits[each.trait, each.values], 0, 0, 0)
        case _:
            raise TypeError(f"{type(each).__name__} is no kind of feature")
