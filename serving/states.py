"""The states of a batch: read from the online store, held against the log, rebuilt from it where they do not match."""

import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.fold import fold
from features.layout import Catalogue, Floats
from features.state import MalformedState, pack, position, unpack
from features.steps import empty_rows
from serving.log import component_rows
from serving.people import Person

_log = logging.getLogger(__name__)


class OnlineStore(Protocol):
    """Where packed states are kept; it may lose or damage any of them."""

    def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the packed state of each key, in order; None where there is none."""

    def write(self, rows: Sequence[tuple[str, bytes, int]]) -> None:
        """Store (key, packed state, moment in microseconds) for each row."""


class StateKeeper:
    """Gives each person of a batch the state that the log says they have."""

    def __init__(self, online: OnlineStore, *, catalogue: Catalogue = CATALOGUE) -> None:
        self._online = online
        self._catalogue = catalogue
        self.rebuilt = 0
        """How many states did not match the log and were rebuilt from it, since the start."""

    def load(self, connection: Connection, people: Sequence[Person], *, spare: int = 0) -> Floats:
        """Return the states of these people, and tell each their row; `spare` states of nobody follow."""
        states = empty_rows(len(people) + spare, catalogue=self._catalogue)
        for row, person in enumerate(people):
            person.slot = row
        kept = [each for each in people if each.last_seq > 0]
        wrong = []
        for person, packed in zip(kept, self._read(kept), strict=True):
            state = self._valid(packed, person)
            if state is None:
                wrong.append(person)
            else:
                states[person.slot] = state
        if wrong:
            self._rebuild(connection, wrong, states)
            self.rebuilt += len(wrong)
            for person in wrong:
                person.is_stale = True
        return states

    def save(self, people: Sequence[Person], states: Floats) -> None:
        """Write the states of these people."""
        self._online.write([(each.key, pack(states[each.slot]), each.last_known_at) for each in people])

    def from_log(self, connection: Connection, people: Sequence[Person]) -> Floats:
        """Return the states that the log gives these people, whatever the online store holds."""
        states = empty_rows(len(people), catalogue=self._catalogue)
        for row, person in enumerate(people):
            person.slot = row
        self._rebuild(connection, people, states)
        return states

    def _read(self, people: Sequence[Person]) -> Sequence[bytes | None]:
        try:
            return self._online.read([each.key for each in people])
        except Exception:  # noqa: BLE001 - whatever a store may raise
            # A store that fails is a store that lost everything: slow, never wrong.
            _log.exception("the online store cannot be read")
            return [None] * len(people)

    def _valid(self, packed: bytes | None, person: Person) -> Floats | None:
        """Return the state, or None if it is missing, malformed, or not folded to exactly where the log is."""
        try:
            state = unpack(packed or b"", catalogue=self._catalogue)
        except MalformedState:
            return None
        return state if position(state) == person.last_seq else None

    def _rebuild(self, connection: Connection, people: Sequence[Person], states: Floats) -> None:
        log, index = component_rows(connection, [each.no for each in people])
        last = {int(user): row for row, user in enumerate(log.user)}
        at_rows = sorted((last[index[each.no]], each.slot) for each in people)
        points = np.array([row for row, _ in at_rows], dtype=np.int64)
        states[[slot for _, slot in at_rows]] = fold(log, points, catalogue=self._catalogue)
