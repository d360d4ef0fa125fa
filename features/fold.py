"""The same fold over whole logs: arrays in, states at the asked positions out."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from features import read as _read
from features.advance import advance_state, clear
from features.catalog import CATALOGUE
from features.layout import Catalogue, Floats, Ints, Tables
from features.merge import merge_states

UNLINKED = -1


@dataclass(frozen=True, slots=True)
class LogArrays:
    """A log as arrays of one length, rows of linked users adjacent, in log order within them.

    Attributes:
        user: Whose event it is, an index from 0.
        known_at: Microseconds since the epoch.
        seq: Position in the log.
        records: Of shape (n, RECORD_WIDTH); see `features.events`.
        linked: The user whose state this row merges into `user`, or -1.
    """

    user: Ints
    known_at: Ints
    seq: Ints
    records: Floats
    linked: Ints

    def __len__(self) -> int:
        return int(self.user.size)


def fold(log: LogArrays, points: Ints, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the states, of shape (points, width), of the users of these rows right after them.

    Args:
        log: The log, as `LogArrays` describes.
        points: Row numbers, ascending; one may be repeated.
        catalogue: Whose layout the states have.

    Raises:
        ValueError: `points` does not ascend, or names a row that is not there.
    """
    if points.size and (np.any(np.diff(points) < 0) or points[0] < 0 or points[-1] >= len(log)):
        raise ValueError("points must be row numbers of the log in ascending order")
    states = np.empty((points.size, catalogue.width))
    component = components(log)
    most = int(np.bincount(_first_rows(component, log.user)).max()) if len(log) else 0
    scratch = np.empty((max(most, 1), catalogue.width))
    users = int(log.user.max()) + 1 if len(log) else 0
    _fold(
        log.user,
        log.known_at,
        log.seq,
        log.records,
        log.linked,
        component,
        points,
        states,
        scratch,
        users,
        catalogue.tables,
    )
    return states


def components(log: LogArrays) -> Ints:
    """Return for each row the smallest index among the users that links connect its user to, of shape (n,)."""
    users = int(max(log.user.max(), log.linked.max())) + 1 if len(log) else 0
    root = np.arange(users)
    for row in np.flatnonzero(log.linked != UNLINKED):
        a, b = _find(root, int(log.user[row])), _find(root, int(log.linked[row]))
        root[max(a, b)] = min(a, b)
    moved = np.flatnonzero(root != np.arange(users))
    for user in moved:
        root[user] = _find(root, int(user))
    return root[log.user]


def _find(root: Ints, user: int) -> int:
    while root[user] != user:
        user = int(root[user])
    return user


def _first_rows(component: Ints, user: Ints) -> Ints:
    """Return the component of each user that has rows, once."""
    seen = np.zeros(int(user.max()) + 1, dtype=np.int64)
    seen[user] = component
    return seen[np.unique(user)]


def read_rows(states: Floats, at: Ints, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the features, of shape (n, n_features), of each state as of its own moment in microseconds."""
    return _read.read_rows(states, at, catalogue.tables)


@njit(cache=True, nogil=True)
def _fold(
    user: Ints,
    known_at: Ints,
    seq: Ints,
    records: Floats,
    linked: Ints,
    component: Ints,
    points: Ints,
    states: Floats,
    scratch: Floats,
    users: int,
    tables: Tables,
) -> None:
    place = np.full(users, -1, dtype=np.int64)
    taken = 0
    present = -1
    begun = 0
    point = 0
    for row in range(user.size):
        if component[row] != present:
            for past in range(begun, row):
                place[user[past]] = -1
            present, begun, taken = component[row], row, 0
        if place[user[row]] < 0:
            place[user[row]] = taken
            clear(scratch[taken], tables)
            taken += 1
        state = scratch[place[user[row]]]
        if linked[row] >= 0 and linked[row] < users and place[linked[row]] >= 0:
            merge_states(state, scratch[place[linked[row]]], tables)
        advance_state(state, records[row], float(known_at[row]), float(seq[row]), tables)
        while point < points.size and points[point] == row:
            states[point] = state
            point += 1
        if point == points.size:
            return
