"""The same fold over whole logs: arrays in, states at the asked positions out."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from features import read as _read
from features.advance import advance_state, clear
from features.catalog import CATALOGUE
from features.layout import Catalogue, Floats, Ints, Tables
from features.merge import merge_states

UNLINKED: Final = -1
EVENT: Final = -1
NOTHING: Final = -2


@dataclass(frozen=True, slots=True)
class LogArrays:
    """A log as arrays of one length, rows of linked users adjacent, in log order within them.

    Attributes:
        user: Whose event it is, an index from 0.
        known_at: Microseconds since the epoch.
        seq: Position in the log.
        records: Of shape (n, record_width of the catalogue); see `features.events` and `features.traits`.
        linked: The user whose state this row merges into `user`, or -1.
        kept: Of a row that stands for events the log forgot (`features.kept`) the row of `states` that it begins with,
            or `NOTHING` for a link among them; `EVENT` for an event. None where all are events.
        states: The states that such rows begin with, of shape (m, width).
    """

    user: Ints
    known_at: Ints
    seq: Ints
    records: Floats
    linked: Ints
    kept: Ints | None = None
    states: Floats | None = None

    @property
    def which(self) -> Ints:
        """Return `kept` of each row."""
        return np.full(len(self), EVENT) if self.kept is None else self.kept

    def take(self, rows: Ints | slice) -> "LogArrays":
        """Return these rows, as they are."""
        kept = None if self.kept is None else self.kept[rows]
        user, known_at, seq, linked = (each[rows] for each in (self.user, self.known_at, self.seq, self.linked))
        return LogArrays(user, known_at, seq, self.records[rows], linked, kept, self.states)

    def __len__(self) -> int:
        return int(self.user.size)


def fold(log: LogArrays, points: Ints, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the states, of shape (points, width), of the users of these rows right after them.

    Args:
        log: The log, as `LogArrays` describes.
        points: Row numbers, ascending; one may be repeated.
        catalogue: Whose layout the states have.

    Raises:
        ValueError: `points` does not ascend or names a row that is not there; or the rows of linked users are not
            adjacent, or not in log order; or the records lack columns of the catalogue.
    """
    points = _writable(points)
    if points.size and (np.any(np.diff(points) < 0) or points[0] < 0 or points[-1] >= len(log)):
        raise ValueError("points must be row numbers of the log in ascending order")
    if log.records.shape[1] != catalogue.record_width:
        raise ValueError(f"records of {log.records.shape[1]} columns, where the catalogue has {catalogue.record_width}")
    states = np.empty((points.size, catalogue.width))
    if points.size:
        user, linked, seq = _writable(log.user), _writable(log.linked), _writable(log.seq)
        known_at, records = _writable(log.known_at), _writable(log.records, np.float64)
        component = _components(user, linked)
        kept = _writable(log.which)
        starts = np.empty((0, catalogue.width)) if log.states is None else _writable(log.states, np.float64)
        place = _places(user, component, seq, kept)
        _fold(user, known_at, seq, records, linked, kept, starts, component, place, points, states, catalogue.tables)
    return states


def components(log: LogArrays) -> Ints:
    """Return for each row the smallest index among the users that links connect its user to, of shape (n,)."""
    return _components(_writable(log.user), _writable(log.linked)) if len(log) else np.empty(0, dtype=np.int64)


def read_rows(states: Floats, at_us: Ints, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the features, of shape (n, n_features), of each state as of its own moment in microseconds."""
    return _read.read_rows(_writable(states, np.float64), _writable(at_us), catalogue.tables)


def _writable(array: npt.ArrayLike, dtype: type[np.generic] = np.int64) -> npt.NDArray[Any]:
    """Return the array as kernels are compiled for: numba compiles again for one that is read-only or has gaps."""
    return np.require(array, dtype=dtype, requirements=("C", "W"))


@njit(cache=True, nogil=True)
def _root(parent: Ints, user: int) -> int:
    while parent[user] != user:
        parent[user] = parent[parent[user]]
        user = parent[user]
    return user


@njit(cache=True, nogil=True)
def _components(user: Ints, linked: Ints) -> Ints:
    parent = np.arange(max(user.max(), linked.max()) + 1)
    for row in range(user.size):
        if linked[row] >= 0:
            one, other = _root(parent, user[row]), _root(parent, linked[row])
            parent[max(one, other)] = min(one, other)
    component = np.empty(user.size, dtype=np.int64)
    for row in range(user.size):
        component[row] = _root(parent, user[row])
    return component


@njit(cache=True, nogil=True)
def _places(user: Ints, component: Ints, seq: Ints, kept: Ints) -> Ints:
    """Return for each user how many others of the same component have rows before their first; -1 without rows."""
    place = np.full(max(user.max(), component.max()) + 1, -1, dtype=np.int64)
    done = np.zeros(place.size, dtype=np.bool_)
    taken = 0
    for row in range(user.size):
        if row == 0 or component[row] != component[row - 1]:
            if done[component[row]]:
                raise ValueError("the rows of linked users must be adjacent")
            done[component[row]] = True
            taken = 0
        elif seq[row] < seq[row - 1] or (seq[row] == seq[row - 1] and kept[row] == EVENT):
            raise ValueError("the rows of linked users must be in log order")
        if place[user[row]] < 0:
            place[user[row]] = taken
            taken += 1
    return place


@njit(cache=True, nogil=True)
def _fold(
    user: Ints,
    known_at: Ints,
    seq: Ints,
    records: Floats,
    linked: Ints,
    kept: Ints,
    starts: Floats,
    component: Ints,
    place: Ints,
    points: Ints,
    states: Floats,
    tables: Tables,
) -> None:
    scratch = np.empty((place.max() + 1, states.shape[1]))
    present, taken, point = -1, 0, 0
    for row in range(points[-1] + 1):
        if component[row] != present:
            present, taken = component[row], 0
        mine = place[user[row]]
        if mine == taken:
            clear(scratch[mine], tables)
            taken += 1
        if kept[row] == EVENT:
            if 0 <= linked[row] < place.size and linked[row] != user[row] and 0 <= place[linked[row]] < taken:
                merge_states(scratch[mine], scratch[place[linked[row]]], tables)
            advance_state(scratch[mine], records[row], float(known_at[row]), float(seq[row]), tables)
        elif kept[row] >= 0:
            scratch[mine] = starts[kept[row]]
        while point < points.size and points[point] == row:
            states[point] = scratch[mine]
            point += 1
