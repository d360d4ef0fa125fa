"""The states of a batch: read from the online store, held against the log, rebuilt from it where they do not match.

What a batch changed is stored a moment later, together with what others changed: the answer need not wait for it, since
until then it is read from here, and whatever a crash forgets is rebuilt from the log.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.fold import fold
from features.layout import SEQ, Catalogue, Floats
from features.state import empty_rows, pack_all, unpack_all
from serving.log import component_rows
from serving.people import Person

_log = logging.getLogger(__name__)


class OnlineStore(Protocol):
    """Where packed states are kept; it may lose or damage any of them."""

    def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the packed state of each key, in order; None where there is none."""

    def write(self, rows: Sequence[tuple[str, bytes, int]]) -> None:
        """Store (key, packed state, moment in microseconds) for each row."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the states of these keys, so that the file holds nothing of them."""


class StateKeeper:
    """Gives each person of a batch the state that the log says they have."""

    def __init__(self, online: OnlineStore, *, catalogue: Catalogue = CATALOGUE) -> None:
        self._online = online
        self._catalogue = catalogue
        self._nobody = empty_rows(1, catalogue=catalogue)
        self._unwritten: dict[str, tuple[bytes, int]] = {}
        self.rebuilt = 0
        """How many states did not match the log and were rebuilt from it, since the start."""

    @property
    def unwritten(self) -> int:
        """How many saved states the store does not have yet."""
        return len(self._unwritten)

    def load(self, connection: Connection, people: Sequence[Person], *, spare: int = 0) -> Floats:
        """Return the states of these people, and tell each their row; `spare` states of nobody follow."""
        states = np.repeat(self._nobody, len(people) + spare, axis=0)
        for row, person in enumerate(people):
            person.slot = row
        kept = [each for each in people if each.last_seq > 0]
        if kept:
            found, is_one = self._read(kept)
            states[slice(len(people)) if len(kept) == len(people) else [each.slot for each in kept]] = found
            places = zip(kept, is_one, found[:, SEQ].tolist(), strict=True)
            wrong = [each for each, is_any, seq in places if not is_any or seq != each.last_seq]
            self._set_right(connection, wrong, states)
        return states

    def _set_right(self, connection: Connection, wrong: Sequence[Person], states: Floats) -> None:
        """Rebuild the states of people that are not what the log says."""
        if wrong:
            self._rebuild(connection, wrong, states)
            self.rebuilt += len(wrong)
            for person in wrong:
                person.is_stale = True

    def save(self, people: Sequence[Person], states: Floats) -> None:
        """Keep the states of these people for the next `write`."""
        packed = pack_all(states[[each.slot for each in people]])
        for each, state in zip(people, packed, strict=True):
            self._unwritten[each.key] = state, each.last_known_at

    def write(self) -> None:
        """Give the store what was saved since the last time; what it does not take is left to be rebuilt."""
        unwritten, self._unwritten = self._unwritten, {}
        try:
            self._online.write([(key, *saved) for key, saved in unwritten.items()])
        except Exception:
            # One is kept for the next time: whether the store takes it tells whether it works again.
            self._unwritten = dict([unwritten.popitem()])
            raise

    def forget(self, keys: Sequence[str]) -> None:
        """Lose the states of these keys here and in the store, whose failure is the caller's."""
        for key in keys:
            self._unwritten.pop(key, None)
        self._online.delete(keys)

    def from_log(self, connection: Connection, people: Sequence[Person]) -> Floats:
        """Return the states that the log gives these people, whatever the online store holds."""
        states = np.repeat(self._nobody, len(people), axis=0)
        for row, person in enumerate(people):
            person.slot = row
        self._rebuild(connection, people, states)
        return states

    def _read(self, people: Sequence[Person]) -> tuple[Floats, list[bool]]:
        """Return the latest states, of shape (people, width), and which of them are any: the others hold anything."""
        keys, unwritten = [each.key for each in people], self._unwritten
        asked = [key for key in keys if key not in unwritten]
        stored = iter(self._stored(asked))
        found = [unwritten[key][0] if key in unwritten else next(stored) for key in keys]
        return unpack_all(found, catalogue=self._catalogue)

    def _stored(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        try:
            return self._online.read(keys)
        except Exception:  # noqa: BLE001 - whatever a store may raise
            # A store that fails is a store that lost everything: slow, never wrong.
            _log.exception("the online store cannot be read")
            return [None] * len(keys)

    def _rebuild(self, connection: Connection, people: Sequence[Person], states: Floats) -> None:
        log, index = component_rows(connection, [each.no for each in people], catalogue=self._catalogue)
        last = {int(user): row for row, user in enumerate(log.user)}
        at_rows = sorted((last[index[each.no]], each.slot) for each in people)
        points = np.array([row for row, _ in at_rows], dtype=np.int64)
        states[[slot for _, slot in at_rows]] = fold(log, points, catalogue=self._catalogue)
