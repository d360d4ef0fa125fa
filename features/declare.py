"""The kinds of feature that the catalogue may declare; a declaration says what is counted, never how."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum

from features.kinds import Kind

FOREVER = None
"""The half-life of what never decays: a total."""
ELSEWHERE = frozenset({"consents", "email", "phone", "timezone"})
"""Traits that are kept where they are asked for, and belong to no profile."""


class Source(IntEnum):
    """What one event adds; the value is the column of the event's record, and every one is signed by PLUS_MINUS."""

    ONE = 9
    AMOUNT = 4
    QUANTITY = 5
    DISCOUNT = 6
    ITEMS = 8


class Sender(IntEnum):
    """Whose events are counted: anybody's, a person's alone, or a machine's (prefetched opens, link scanners)."""

    ANYBODY = 0
    PERSON = 1
    MACHINE = 2


class CartFact(StrEnum):
    """What is known of the open cart; ages have no answer where it is empty.

    It depends on the order of arrival where things are taken out, or the whole cart is stated.
    """

    ITEMS = "items"
    VALUE = "value"
    AGE_H = "age_h"
    IDLE_H = "idle_h"


class SessionFact(StrEnum):
    """What is known of the current session; all are zero once it is over.

    It depends on the order of arrival: an event that is older than the current session does not reopen an earlier one.
    """

    LENGTH_MIN = "length_min"
    DEPTH = "depth"
    PRODUCTS = "products"


class GapFact(StrEnum):
    """What is known of the gaps between orders; there is no answer before the second, for the spread the third order.

    Cancelled orders were orders too: they say when the person wanted to buy.
    """

    MEAN_D = "mean_d"
    SPREAD_D = "spread_d"
    RELATIVE = "relative"


class Moment(StrEnum):
    """Facts of the moment of the question, in the person's local time; that of UTC where nobody told it.

    The shares depend on the order of arrival where an event does not tell its own local time: then the last one
    known is taken.
    """

    HOUR_SIN = "hour_sin"
    HOUR_COS = "hour_cos"
    WEEKDAY_SIN = "weekday_sin"
    WEEKDAY_COS = "weekday_cos"
    HOUR_SHARE = "hour_share"
    NEXT_DAY_SHARE = "next_day_share"
    TENURE_D = "tenure_d"


@dataclass(frozen=True, slots=True)
class Tally:
    """A sum over events that decays with a half-life, or never: what a count or an amount is read from."""

    kinds: frozenset[Kind]
    source: Source = Source.ONE
    half_life: timedelta | None = FOREVER
    sender: Sender = Sender.ANYBODY
    sessions: bool = False
    """Count the starts of sessions instead of the events themselves."""


def tally(
    kinds: Kind | Iterable[Kind],
    source: Source = Source.ONE,
    half_life: timedelta | None = FOREVER,
    sender: Sender = Sender.ANYBODY,
) -> Tally:
    """Return the tally of events of `kinds`; one kind may be given bare."""
    chosen = frozenset({kinds}) if isinstance(kinds, Kind) else frozenset(kinds)
    return Tally(chosen, source, half_life, sender)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What every feature has: a name, a meaning in words, and the direction in which it moves intent."""

    name: str
    meaning: str
    direction: int = field(default=0)
    """+1 where more can only mean more intent, -1 where it can only mean less, 0 where the data decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum(Declaration):
    """A tally as of the moment of the question."""

    of: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(Declaration):
    """One tally relative to another; no answer where the second is not above zero (cancellations take from it)."""

    of: Tally
    to: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Age(Declaration):
    """Days since the last event of some kinds; no answer where there was none."""

    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart(Declaration):
    """A fact of the open cart."""

    fact: CartFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Declaration):
    """A fact of the current session."""

    fact: SessionFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Declaration):
    """A fact of the gaps between orders."""

    fact: GapFact


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMoment(Declaration):
    """A fact of the moment of the question."""

    fact: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait(Declaration):
    """What was last told of a person, as a number; no answer where nothing was, or what is none.

    `values` are the words of a trait that has words, from the least to the most: the number is the place among them,
    from 1 on.
    """

    trait: str
    """As `identify` calls and profiles name it; `address.city` is `city` within `address`."""
    values: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse what could never be told, or not be told apart (ValueError)."""
        if not self.trait or self.trait in ELSEWHERE:
            raise ValueError(f"{self.name}: {self.trait!r} is no trait of a profile")
        if self.values is not None:
            if type(self.values) is not tuple or not self.values:
                raise ValueError(f"{self.name}: values are words in brackets, as in ('silver', 'gold') or ('gold',)")
            if len({folded_word(each) for each in self.values}) < len(self.values):
                raise ValueError(f"{self.name}: values must differ by more than their case")


def folded_word(value: str) -> str:
    """Return what is left of a word when case and the space around it do not count."""
    return value.strip().casefold()
