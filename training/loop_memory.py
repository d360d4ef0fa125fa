"""What is known of the people of a made-up shop: their states, folded from what happened by the fold of serving."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Self

import numpy as np

from features.catalog import CATALOGUE
from features.events import (
    AMOUNT,
    FLAG_MACHINE,
    FLAG_SNAPSHOT,
    FLAGS,
    ITEMS,
    KIND,
    OCCURRED_AT,
    PLUS_MINUS,
    PRODUCT,
    QUANTITY,
    RECORD_WIDTH,
    UTC_OFFSET_S,
    product_hash,
)
from features.fold import EVENT, UNLINKED, LogArrays, fold, read_rows
from features.kinds import Kind
from features.moments import SECOND_US
from features.state import empty
from training.world import Floats, Ints, People, World
from training.world_days import A_PERSON, Happenings, midnights, together

WITH_GOODS = np.array([Kind.PRODUCT_VIEWED, Kind.PRODUCT_ADDED, Kind.CHECKOUT_STARTED, Kind.ORDER_COMPLETED])


@dataclass
class Memory:
    """The state of each person, and what has happened since it was folded.

    Attributes:
        world: Which one.
        who: Its people.
        states: Of shape (users, width).
        known_at: The moment of the last event folded for each, in microseconds; 0 for none.
        seq: How many events were folded.
        waiting: What was heard of and not folded.
    """

    world: World
    who: People
    states: Floats
    known_at: Ints
    seq: int = 0
    waiting: list[Happenings] = field(default_factory=list)

    @classmethod
    def of_nothing(cls, world: World, who: People) -> Self:
        """Return the memory of people who have not done anything yet."""
        return cls(world, who, np.tile(empty(), (world.users, 1)), np.zeros(world.users, dtype=np.int64))

    @property
    def products(self) -> Floats:
        """The hash of each product, of shape (products,)."""
        return _product_hashes(self.world.products)

    def hear(self, happened: Happenings) -> None:
        """Take down what happened; it is folded when somebody asks."""
        self.waiting.append(happened)

    def known(self, user: Ints, at: Ints, day: int) -> Floats:
        """Return what is known of people at moments (µs) of a day, of shape (n, features of the catalogue).

        Nothing that happened later is known, and each person may be asked about once a day.
        """
        midnight = midnights(self.world, self.who, day)
        until = midnight.copy()
        until[user] = at
        heard = together(self.waiting)
        ripe = heard.at <= until[heard.user]
        self._fold(heard.take(ripe), midnight, day)
        self.waiting = [heard.take(~ripe)]
        return read_rows(self.states[user], at)

    def fork(self) -> Self:
        """Return another memory of the same."""
        return replace(self, states=self.states.copy(), known_at=self.known_at.copy(), waiting=list(self.waiting))

    def _fold(self, happened: Happenings, midnight: Ints, day: int) -> None:
        if not len(happened):
            return
        happened = happened.take(np.lexsort((happened.at, happened.user)))
        people, first, counts = np.unique(happened.user, return_index=True, return_counts=True)
        # Before the rows of each person stands one for the state so far.
        heads = first + np.arange(people.size)
        rows = np.ones(len(happened) + people.size, dtype=np.bool_)
        rows[heads] = False
        user = np.repeat(people, counts + 1)
        known_at, seq = np.empty((2, rows.size), dtype=np.int64)
        known_at[rows] = np.maximum(happened.at, self.known_at[happened.user])
        known_at[heads] = self.known_at[people]
        seq[rows] = self.seq + 1 + np.arange(len(happened))
        seq[heads] = self.seq
        records, kept = np.zeros((rows.size, RECORD_WIDTH)), np.full(rows.size, EVENT)
        records[rows] = records_of(
            happened, self._offset_s(midnight, day)[happened.user], _product_hashes(self.world.products)
        )
        kept[heads] = np.arange(people.size)
        linked = np.full(rows.size, UNLINKED)
        log = LogArrays(user, known_at, seq, records, linked, kept, self.states[people])
        ends = heads + counts
        self.states[people] = fold(log, ends, catalogue=CATALOGUE)
        self.known_at[people] = known_at[ends]
        self.seq += len(happened)

    def _offset_s(self, midnight: Ints, day: int) -> Floats:
        """Return by how many seconds each one's clock is ahead of UTC in the morning of a day."""
        begins = datetime.combine(self.world.begins + timedelta(days=day), time(), UTC)
        return round(begins.timestamp()) - midnight / SECOND_US


@cache
def _product_hashes(products: int) -> Floats:
    return np.array([float(product_hash(f"sim-p{each}")) for each in range(products)])


def records_of(happened: Happenings, offset_s: Floats, products: Floats) -> Floats:
    """Return what happened as records, as the edge makes them of the lines of a simulated history.

    Args:
        happened: What happened, of shape (n,).
        offset_s: Of each one's clock, ahead of UTC.
        products: Hash of each product.
    """
    found, goods = np.zeros((len(happened), RECORD_WIDTH)), np.isin(happened.kind, WITH_GOODS)
    found[:, OCCURRED_AT], found[:, KIND], found[:, UTC_OFFSET_S] = happened.at, happened.kind, offset_s
    machine, checkout = happened.machine != A_PERSON, happened.kind == Kind.CHECKOUT_STARTED
    found[:, FLAGS] = FLAG_MACHINE * machine + FLAG_SNAPSHOT * checkout
    found[:, AMOUNT] = happened.amount
    found[:, QUANTITY] = found[:, ITEMS] = goods
    found[:, PRODUCT] = np.where(goods, products[happened.product], 0.0)
    found[:, PLUS_MINUS] = 1.0
    return found
