"""Forgetting old events, person by person: the state that they folded to is kept, and the log goes on from there.

See docs/adr/0017-a-log-that-forgets.md.
"""

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from features.fold import EVENT, UNLINKED, LogArrays, components, fold
from features.moments import DAY_US
from features.state import pack
from serving.driver import Row, driver, scalar
from serving.log import component_rows
from serving.members import look_again

Bools = npt.NDArray[np.bool_]

SLICE: Final = 20_000
"""Positions of the log that are looked at together."""
_ENDS: Final = "SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) FROM events"
_OLD: Final = """
SELECT coalesce(u.merged_into, u.user_no), min(e.known_at) FROM events e JOIN users u USING (user_no)
WHERE e.seq >= ? AND e.seq < ? GROUP BY 1
"""
# What armed a timer is looked at when it is due, and what was evaluated is found by its event.
_NEEDED: Final = """
SELECT event_seq FROM timers WHERE user_no IN (SELECT value FROM json_each(?))
UNION
SELECT event_seq FROM evaluations WHERE event_seq IN (SELECT value FROM json_each(?))
"""
_NEWEST: Final = "SELECT max(seq) FROM events"
_BEGIN: Final = """
INSERT INTO facts (name, value) VALUES ('log_begins_at', ?)
ON CONFLICT (name) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))
"""
_KEEP: Final = "INSERT OR REPLACE INTO kept_states (user_no, owner_no, seq, known_at, state) VALUES (?, ?, ?, ?, ?)"
_FORGET: Final = "DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))"


class OldEvents:
    """Finds whose events are old, slice by slice; a slice that has none is not read again until it may."""

    def __init__(self, database: Database) -> None:
        """`database` is read on connections of its own."""
        self._database = database
        self._oldest: dict[int, int] = {}

    def slices(self) -> range:
        """Return the first position of each slice of the log as it is now; the last one may still grow."""
        with self._database.connect() as connection:
            first, last = connection.exec_driver_sql(_ENDS).one()
        return range(first - first % SLICE, last + 1, SLICE)

    def people(self, start: int, *, before: int, is_last: bool) -> list[int]:
        """Return the numbers of the people with events in a slice that were known before a moment (µs)."""
        if self._oldest.get(start, before - 1) >= before:
            return []
        with self._database.connect() as connection:
            found = connection.exec_driver_sql(_OLD, (start, start + SLICE)).all()
        if not is_last:
            # Of a slice that is full events only go.
            self._oldest[start] = min((known_at for _, known_at in found), default=1 << 62)
        return [number for number, known_at in found if known_at < before]


def forget_events(connection: Connection, people: Sequence[int], *, before: int) -> int:
    """Forget what was known of these people before a moment, in a transaction; return how many events that was.

    An event stays that armed what still waits, or of which the ledger still tells, and whatever came after it; so does
    the newest event of the log, from whose position the next ones count.

    Args:
        connection: The engine's.
        people: Numbers in the log, those that others were linked to.
        before: In microseconds.
    """
    log, index = component_rows(connection, people)
    gone = _gone(connection, log, index, people, before)
    if not gone.any():
        return 0
    direct = driver(connection)
    # Whose clock is a day ahead is still taken, and nobody's further: later than that nothing is gone, and a clock of
    # ours that shows another year for a while must not let all that happens until then pass for forgotten.
    direct.execute(_BEGIN, (str(min(before, int(log.known_at[gone].max()) + DAY_US + 1)),))
    numbers = {i: number for number, i in index.items()}
    direct.executemany(_KEEP, _kept(log, gone, numbers))
    seqs = log.seq[gone].tolist()
    for start in range(0, len(seqs), SLICE):
        direct.execute(_FORGET, (json.dumps(seqs[start : start + SLICE]),))
    # What is forgotten counts for no segment any more.
    look_again(direct, people)
    return len(seqs)


def _gone(connection: Connection, log: LogArrays, index: dict[int, int], people: Sequence[int], before: int) -> Bools:
    """Return which rows are to be forgotten: of each person those that were known before a moment of their own."""
    direct = driver(connection)
    newest = scalar(direct, _NEWEST)
    old = (log.which == EVENT) & (log.known_at < before) & (log.seq != newest)
    asked = json.dumps(list(people)), json.dumps(log.seq[old].tolist())
    needed = [seq for (seq,) in direct.execute(_NEEDED, asked).fetchall()]
    until = np.full(len(index), before, dtype=np.int64)
    component = components(log)
    stay = old & np.isin(log.seq, np.array(needed, dtype=np.int64))
    np.minimum.at(until, component[stay], log.known_at[stay])
    gone: Bools = old & (log.known_at < until[component])
    return gone


def _kept(log: LogArrays, gone: Bools, numbers: dict[int, int]) -> list[Row]:
    """Return the rows of `kept_states`: the state of each id after its last forgotten event, or whose it had become."""
    rows_gone = np.flatnonzero(gone).tolist()
    own = {int(log.user[row]): row for row in rows_gone}
    # Of several links of one id the first is the one that counts.
    owners = {int(log.linked[row]): row for row in reversed(rows_gone) if log.linked[row] != UNLINKED}
    points = sorted(row for user, row in own.items() if user not in owners)
    states = fold(log, np.array(points, dtype=np.int64))
    rows: list[Row] = [
        (numbers[int(log.user[row])], None, int(log.seq[row]), int(log.known_at[row]), pack(state))
        for row, state in zip(points, states, strict=True)
    ]
    return rows + [
        (numbers[user], numbers[int(log.user[row])], int(log.seq[row]), int(log.known_at[row]), None)
        for user, row in owners.items()
    ]
