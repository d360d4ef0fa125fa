"""Baskets: which products one person looked at, put in the cart or bought on one day, read from the log."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from features.kinds import Kind
from features.moments import DAY_US
from policy.likeness import subjects
from training.log import NEVER, Bools, Ints

LONGEST_AGO_DAYS: Final = 365
"""Before the last event; what was bought together longer ago tells little of what the shop sells now."""
MOST_LINES: Final = 2_000_000
"""The newest lines that are read, so that memory and time stay bounded however long the log is."""
_FETCHED_AT_ONCE: Final = 2_000
_KINDS: Final = (
    Kind.PRODUCT_CLICKED,
    Kind.PRODUCT_VIEWED,
    Kind.PRODUCT_ADDED,
    Kind.WISHLIST_ADDED,
    Kind.ORDER_COMPLETED,
)
# Whoever is known by several ids by now is one person.
_USERS: Final = "SELECT user_no, coalesce(merged_into, user_no), excluded IS NOT NULL FROM users"
_EVENTS: Final = f"""
SELECT user_no, occurred_at, kind, payload FROM events
WHERE kind IN ({", ".join(str(int(each)) for each in _KINDS)}) AND known_at <= ? ORDER BY seq DESC
"""


class _Line(msgspec.Struct):
    product_id: str


class _Properties(msgspec.Struct):
    product_id: str | None = None
    products: list[_Line] = []
    sku: str | None = None


class _Payload(msgspec.Struct):
    properties: _Properties = msgspec.field(default_factory=_Properties)


_decode = msgspec.json.Decoder(_Payload).decode


@dataclass(frozen=True)
class Baskets:
    """Who did something with which product on which day; each once, ordered by person, day and product.

    Attributes:
        products: The ids of all products.
        person: A number for each person; of shape (lines,).
        day: Days since the epoch, UTC.
        product: Positions in `products`.
        bought: Whether it was bought on that day.
    """

    products: tuple[str, ...]
    person: Ints
    day: Ints
    product: Ints
    bought: Bools

    def __len__(self) -> int:
        """Return the number of lines."""
        return int(self.person.size)

    def where(self, chosen: Bools) -> "Baskets":
        """Return some of the lines."""
        return Baskets(self.products, self.person[chosen], self.day[chosen], self.product[chosen], self.bought[chosen])


def read_baskets(database: Path, *, until_us: int | None = None) -> Baskets:
    """Return the baskets of this SQLite database, up to and including a moment in microseconds; newest events first.

    Bots, staff and test users are left out. Memory: 25 bytes a line, and four times that while they are put in order.
    """
    until = NEVER if until_us is None else until_us
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        # One moment for all of it: a server may forget old events meanwhile.
        connection.execute("BEGIN")
        people = {no: person for no, person, excluded in connection.execute(_USERS) if not excluded}
        cursor = connection.execute(_EVENTS, (int(until),))
        # Whatever is new gets the next number.
        products: defaultdict[str, int] = defaultdict(count().__next__)
        lines = _lines(iter(lambda: cursor.fetchmany(_FETCHED_AT_ONCE), []), people, products)
        found = list(_up_to(lines, MOST_LINES))
    return _in_order(products, found)


def _lines(
    batches: Iterable[Sequence[tuple[int, int, int, str]]], people: Mapping[int, int], products: Mapping[str, int]
) -> Iterator[Ints]:
    """Yield arrays of (person, day, product, bought), of shape (lines, 4), until they are too long ago."""
    newest = None
    for batch in batches:
        events = [
            (people[user_no], at // DAY_US, kind, payload) for user_no, at, kind, payload in batch if user_no in people
        ]
        named = [_named(payload) for _, _, _, payload in events]
        many = np.fromiter(map(len, named), dtype=np.int64, count=len(named))
        whose = np.array(
            [(person, day, kind == Kind.ORDER_COMPLETED) for person, day, kind, _ in events], dtype=np.int64
        )
        place = np.array([products[each] for names in named for each in names], dtype=np.int64)
        if not place.size:
            continue
        found = np.column_stack([np.repeat(whose, many, axis=0), place])[:, (0, 1, 3, 2)]
        newest = int(found[:, 1].max()) if newest is None else newest
        recent = found[found[:, 1] > newest - LONGEST_AGO_DAYS]
        if not recent.size:
            return
        yield recent


def _named(payload: str) -> Collection[str]:
    """Return the products that an event names, as conditions and carts know them; the same one perhaps twice."""
    try:
        said = _decode(payload).properties
    except msgspec.ValidationError:
        return _named_otherwise(payload)
    names = [each.product_id for each in said.products]
    if not all(names):
        return _named_otherwise(payload)
    own = said.product_id or said.sku
    return [*names, own] if own else names


def _named_otherwise(payload: str) -> Collection[str]:
    """Return the same where something is of another type than it mostly is; that may take its time."""
    properties = json.loads(payload).get("properties")
    return subjects("product", properties) if isinstance(properties, Mapping) else ()


def _up_to(parts: Iterable[Ints], most: int) -> Iterator[Ints]:
    left = most
    for each in parts:
        yield each[:left]
        left -= len(each)
        if left <= 0:
            return


def _in_order(products: Iterable[str], parts: Sequence[Ints]) -> Baskets:
    """Return the lines as baskets: of those of one person, day and product, one."""
    named = tuple(products)
    lines = np.concatenate([np.empty((0, 4), dtype=np.int64), *parts])
    people, person = np.unique(lines[:, 0], return_inverse=True)
    first_day = int(lines[:, 1].min()) if len(lines) else 0
    shape = (len(people), LONGEST_AGO_DAYS + 1, max(len(named), 1), 2)
    # One number a line sorts eight times as fast as four do; of several lines the one that was bought comes first.
    key = np.ravel_multi_index((person, lines[:, 1] - first_day, lines[:, 2], 1 - lines[:, 3]), shape)
    key.sort()
    which, day, product, unbought = np.unravel_index(key, shape)
    first = np.ones(key.size, dtype=np.bool_)
    first[1:] = key[1:] // 2 != key[:-1] // 2
    return Baskets(named, people[which][first], day[first] + first_day, product[first], unbought[first] == 0)
