"""The states of the people of a batch as rows of one matrix: what is folded into them, and read from them."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.layout import Floats
from features.steps import Steps
from features.traits import unread, with_traits
from serving.log import Appended
from serving.people import Person
from serving.states import StateKeeper

_NO_STATES = np.empty((0, CATALOGUE.width))


class Folding:
    """What is folded and read is only noted; `run` does it, in the same order."""

    def __init__(self, keeper: StateKeeper, *, hours: bool = False) -> None:
        """`keeper` has the states of before the batch; `hours` is whether what is read includes hours of the day."""
        self._keeper = keeper
        self._asks_hours = hours
        self._steps = Steps(hours=hours)
        self._states = _NO_STATES
        self._free = 0
        self.hours = self._steps.hours
        """Of each row that `run` answered: the hours of the person's day, of shape (reads, 24); of none, if unasked."""
        self._inhuman = self._steps.inhuman
        self.inhuman_reads = self._steps.inhuman_reads
        """Of each row that `run` answered: whether its person had been quicker than people are by then."""
        self.unread: list[str] = []
        """Traits that features are made of, each as often as it was told as what cannot be read."""

    def load(self, connection: Connection, people: Sequence[Person], *, most_new: int) -> None:
        """Load the states of people; at most `most_new` others will be folded besides, who are new."""
        # New people take the spare rows from the front; the last one is always that of somebody unknown.
        self._states = self._keeper.load(connection, people, spare=most_new + 1)
        self._free = len(people)

    def fold(self, added: Appended) -> None:
        """Fold an event into the state of its person, and the state of whoever it links to them."""
        slot = self._slot(added.person)
        if added.merged is not None and added.merged.slot >= 0:
            self._steps.merge(slot, added.merged.slot)
        event, declared = added.event, CATALOGUE.traits
        if declared and event.payload:
            self.unread += unread(event, declared)
        self._steps.advance(slot, with_traits(event.record, event.payload, declared), added.known_at, added.seq)

    def read(self, person: Person | None, at: int) -> int:
        """Read the features of somebody, or of nobody, as of a moment (µs); return their row in what `run` answers."""
        return self._steps.read(self._slot(person) if person else len(self._states) - 1, at)

    def run(self) -> Floats:
        """Do what was noted since the last time; return the features that were read, of shape (reads, n_features)."""
        done, self._steps = self._steps, Steps(hours=self._asks_hours)
        rows = done.run(self._states)
        self._inhuman, self.inhuman_reads = done.inhuman, done.inhuman_reads
        self.hours = done.hours
        return rows

    def is_inhuman(self, person: Person) -> bool:
        """Whether somebody who was folded since the last time was quicker than people are."""
        return bool(self._inhuman[person.slot])

    def save(self, people: Sequence[Person]) -> None:
        """Hand on the changed and the rebuilt states, to be stored."""
        kept = [each for each in people if (each.changed or each.is_stale) and each.slot >= 0]
        self._keeper.save(kept, self._states)

    def _slot(self, person: Person) -> int:
        if person.slot < 0:
            person.slot, self._free = self._free, self._free + 1
        return person.slot
