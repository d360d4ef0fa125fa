"""The log as arrays: every event's numbers, in the order the fold needs, read straight from the tables."""

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.catalog import CATALOGUE
from features.fold import EVENT, UNLINKED, LogArrays, components
from features.kept import Kept, joined, rows_of
from features.layout import Catalogue
from features.traits import ABOUT_TRAITS, records_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KIND = 1
NEVER = np.iinfo(np.int64).max
STRAYS = 0.001
"""Largest share of events that may be left out of account for their date."""
FETCHED_AT_ONCE = 2_000
"""Few enough that the garbage collector does not walk through them."""
EVENTS = """
SELECT user_no, seq, known_at, COALESCE(linked_no, -1), record, {told} FROM events WHERE known_at <= ? ORDER BY seq
"""
TOLD = f"CASE WHEN instr(payload, '{ABOUT_TRAITS}') THEN payload END"
KEPT = "SELECT user_no, owner_no, seq, known_at, state FROM kept_states ORDER BY user_no"


@dataclass(frozen=True)
class Log:
    """The events of all users, those of linked users adjacent, in log order within them.

    Attributes:
        arrays: What the fold reads; `user` indexes `user_keys`. Rows that stand for forgotten events are among them.
        components: Of each event: the smallest index among the users that links connect its user to; ascending.
        user_keys: By user index.
        user_nos: The users' numbers in the tables, ascending, by user index.
        excluded: By user index: a bot, staff or a test, kept out of models.
    """

    arrays: LogArrays
    components: Ints
    user_keys: list[str]
    user_nos: Ints
    excluded: Bools

    @property
    def kinds(self) -> Ints:
        """Return the kind of each event."""
        return self.arrays.records[:, KIND].astype(np.int64)

    @property
    def span(self) -> tuple[int, int]:
        """Return the first and the last moment (µs) that the log can tell of, but for strays; zeros if it is empty."""
        known_at = self.arrays.known_at
        return (max(beginning(known_at), self.begins_at), int(known_at.max())) if known_at.size else (0, 0)

    @property
    def begins_at(self) -> int:
        """Return the moment (µs) from which on every event is there; 0 where none was ever forgotten."""
        forgotten = self.arrays.known_at[self.arrays.which != EVENT]
        return int(forgotten.max()) if forgotten.size else 0

    @cached_property
    def fingerprint(self) -> str:
        """A digest of every number in the log: the same for the same log, whatever else the tables hold."""
        digest = hashlib.sha256()
        arrays = self.arrays
        states = np.empty(0) if arrays.states is None else arrays.states
        for each in (arrays.user, arrays.known_at, arrays.linked, arrays.records, states):
            digest.update(np.ascontiguousarray(each).data)
        return digest.hexdigest()[:16]

    @cached_property
    def _rows(self) -> Ints:
        """Row numbers by user, then in log order."""
        return np.argsort(self.arrays.user, kind="stable")

    @cached_property
    def _row_starts(self) -> Ints:
        """For each user, and one past the last, where their rows start in `_rows`."""
        return np.searchsorted(self.arrays.user[self._rows], np.arange(len(self.user_keys) + 1))

    def last_rows(self, users: Ints, at: Ints) -> Ints:
        """Return the row of each user's last event that was known at that moment (µs), of shape (n,); -1 for none.

        The events of one id count for another from the link on, and not before it.
        """
        starts, ends = self._row_starts[users], self._row_starts[users + 1]
        known_at = self.arrays.known_at[self._rows]
        # Halving all intervals at once: within a user the moments ascend.
        low, high = starts.copy(), ends.copy()
        while np.any(low < high):
            middle = (low + high) // 2
            inside = low < high
            known = inside & (known_at[np.minimum(middle, known_at.size - 1)] <= at)
            low = np.where(known, middle + 1, low)
            high = np.where(inside & ~known, middle, high)
        return np.where(low > starts, self._rows[np.maximum(low - 1, 0)] if known_at.size else UNLINKED, UNLINKED)

    @cached_property
    def moves(self) -> tuple[Ints, Ints]:
        """For each user index: the one it was linked to, itself where to none, and when (µs), `NEVER` likewise."""
        links = np.flatnonzero(self.arrays.linked != UNLINKED)[::-1]
        moved_to, moved_at = np.arange(len(self.user_keys)), np.full(len(self.user_keys), NEVER)
        # Backwards, so that the first of several links of one id is the one that stays.
        moved_to[self.arrays.linked[links]] = self.arrays.user[links]
        moved_at[self.arrays.linked[links]] = self.arrays.known_at[links]
        return moved_to, moved_at

    def owners(self, users: Ints, at: Ints) -> Ints:
        """Return for each user index the one their events went to at that moment (µs): itself until it was linked."""
        moved_to, moved_at = self.moves
        owners = users.copy()
        for _ in range(int((moved_at != NEVER).sum())):
            moved = moved_at[owners] <= at
            if not moved.any():
                break
            owners[moved] = moved_to[owners[moved]]
        return owners


def beginning(moments: Ints) -> int:
    """Return the first of these moments that is no stray.

    A history may hold a few rows of a wrong date, such as the first of January 2000. Years of nothing would leave no
    room for what happened: a thousandth of the events at most, before a silence longer than all that came after it.
    """
    few = int(moments.size * STRAYS)
    early = np.sort(np.partition(moments, few)[: few + 1])
    cut = np.flatnonzero(np.diff(early) > moments.max() - early[1:])
    return int(early[cut[-1] + 1 if cut.size else 0])


def ending(moments: Ints) -> int:
    """Return the last of these moments before those few, if any, that follow a silence longer than all before it."""
    return -beginning(-moments)


def read_log(database: Path, *, until_us: int | None = None, catalogue: Catalogue = CATALOGUE) -> Log:
    """Return the log of this SQLite database, up to and including a moment in microseconds.

    Memory: 112 bytes an event and 8 for each trait of the catalogue, and twice that for a moment while they are put in
    order.
    """
    until = NEVER if until_us is None else until_us
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        # One moment for all of it: a server may forget old events meanwhile.
        connection.execute("BEGIN")
        users = connection.execute(
            "SELECT user_no, user_key, excluded IS NOT NULL FROM users ORDER BY user_no"
        ).fetchall()
        numbers, records = _fetched(connection, int(until), catalogue)
        kept = [Kept(*row) for row in connection.execute(KEPT).fetchall()]
    user_nos = np.array([each[0] for each in users], dtype=np.int64)
    user_no, seq, known_at, linked_no = numbers
    found = LogArrays(user_no, known_at, seq, records, linked_no)
    found = joined(found, rows_of(kept, catalogue=catalogue)) if kept else found
    unordered = replace(
        found,
        user=np.searchsorted(user_nos, found.user),
        linked=np.where(found.linked == UNLINKED, UNLINKED, np.searchsorted(user_nos, found.linked)),
    )
    component = components(unordered)
    order = np.lexsort((unordered.which >= 0, unordered.seq, component))
    return Log(
        arrays=unordered.take(order),
        components=component[order],
        user_keys=[each[1] for each in users],
        user_nos=user_nos,
        excluded=np.array([each[2] for each in users], dtype=np.bool_),
    )


def _fetched(connection: sqlite3.Connection, until: int, catalogue: Catalogue) -> tuple[Ints, Floats]:
    """Return user, position, moment and linked user of each event, of shape (4, n), and their records."""
    first, last = connection.execute("SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), -1) FROM events").fetchone()
    # As long as it can be at most; memory that is never written to is never taken.
    numbers = np.empty((4, last - first + 1), dtype=np.int64)
    records = np.empty((last - first + 1, catalogue.record_width))
    cursor = connection.execute(EVENTS.format(told=TOLD if catalogue.traits else "NULL"), (until,))
    begun = 0
    while rows := cursor.fetchmany(FETCHED_AT_ONCE):
        end = begun + len(rows)
        users, seqs, moments, linked, packed, told = zip(*rows, strict=True)
        for row, values in enumerate((users, seqs, moments, linked)):
            numbers[row, begun:end] = np.fromiter(values, dtype=np.int64, count=len(rows))
        records[begun:end] = records_of(packed, told, catalogue.traits)
        begun = end
    return numbers[:, :begun], records[:begun]
