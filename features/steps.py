"""A batch of steps over several states in one compiled call: what serving does between reading and writing states."""

import numpy as np
import numpy.typing as npt
from numba import njit

from features.advance import advance_state
from features.catalog import CATALOGUE
from features.habits import HOURS, hours_of
from features.layout import Catalogue, Floats, Ints, Tables
from features.merge import merge_states
from features.pace import is_inhuman
from features.read import read_state

Bools = npt.NDArray[np.bool_]
_ADVANCE, _MERGE, _READ = range(3)
_NO_HOURS, _NOBODY = np.empty((0, HOURS)), np.zeros(0, dtype=np.bool_)


class Steps:
    """Events to fold, states to merge and questions to answer, in order, over one matrix of states."""

    def __init__(self, *, hours: bool = False, catalogue: Catalogue = CATALOGUE) -> None:
        """`hours`: whether every question also asks for the hours of the day; see `features.habits`."""
        self._catalogue = catalogue
        self._asks_hours = hours
        self._steps: list[tuple[int, int, int, int, int]] = []
        self._records: list[bytes] = []
        self._reads = 0
        self.hours = _NO_HOURS
        """Of each answer, after `run`: the hours, of shape (reads, 24); (0, 24) where nobody asks."""
        self.inhuman = _NOBODY
        """Of each state, after `run`: whether a step found it quicker than people are; see `features.pace`."""
        self.inhuman_reads = _NOBODY
        """Of each answer: whether a step before it found that of its state."""

    def advance(self, state: int, record: bytes, known_at: int, seq: int) -> None:
        """Fold an event into the state in that row; see `features.state.advance`. The record has its traits."""
        self._steps.append((_ADVANCE, state, known_at, seq, len(self._records)))
        self._records.append(record)

    def merge(self, into: int, other: int) -> None:
        """Fold one state into another."""
        self._steps.append((_MERGE, into, other, 0, 0))

    def read(self, state: int, at: int) -> int:
        """Ask for the features of a state as of `at` in microseconds; return the row of the answer."""
        self._steps.append((_READ, state, at, 0, self._reads))
        self._reads += 1
        return self._reads - 1

    def run(self, states: Floats) -> Floats:
        """Take the steps, changing `states` of shape (n, width) in place; return the answers, (reads, n_features)."""
        out = np.empty((self._reads, self._catalogue.n_features))
        self.hours = np.empty((self._reads if self._asks_hours else 0, HOURS))
        self.inhuman = np.zeros(len(states), dtype=np.bool_)
        self.inhuman_reads = np.zeros(self._reads, dtype=np.bool_)
        if self._steps:
            steps = np.array(self._steps, dtype=np.int64)
            records = np.frombuffer(b"".join(self._records), dtype="<f8")
            records = records.reshape(len(self._records), self._catalogue.record_width)
            found = (out, self.hours, self.inhuman, self.inhuman_reads)
            _run(steps, records, states, *found, self._catalogue.tables)
        return out


@njit(cache=True, nogil=True)
def _run(
    steps: Ints,
    records: Floats,
    states: Floats,
    out: Floats,
    hours: Floats,
    inhuman: Bools,
    inhuman_reads: Bools,
    tables: Tables,
) -> None:
    for i in range(steps.shape[0]):
        step, row = steps[i, 0], steps[i, 1]
        if step == _ADVANCE:
            advance_state(states[row], records[steps[i, 4]], float(steps[i, 2]), float(steps[i, 3]), tables)
            inhuman[row] |= is_inhuman(states[row])
        elif step == _MERGE:
            merge_states(states[row], states[steps[i, 2]], tables)
            inhuman[row] |= inhuman[steps[i, 2]]
        else:
            read_state(states[row], float(steps[i, 2]), out[steps[i, 4]], tables)
            inhuman_reads[steps[i, 4]] = inhuman[row]
            if hours.shape[0] > 0:
                hours_of(states[row], float(steps[i, 2]), hours[steps[i, 4]], tables)
