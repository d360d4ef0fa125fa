"""Whether it has been still for longer than usual: no events, or no messages, by the shop's own past."""

import sqlite3
from itertools import pairwise
from typing import Final, NamedTuple

from features.moments import DAY_US, HOUR_US, SECOND_US
from training.served import first_id
from training.status import Status

PAST_DAYS: Final = 28
LEAST_PAST_DAYS: Final = 7
"""From the first busy hour to the last one: one burst says nothing of pauses."""
LEAST_HAPPENED: Final = 20
"""What happened less often in all that past has no usual pause."""
_ENDS: Final = "SELECT min(seq), max(seq) FROM events"
_NEWEST: Final = "SELECT origin FROM events ORDER BY seq DESC LIMIT 1"
_AT: Final = "SELECT {clock} FROM events WHERE seq >= ? ORDER BY seq LIMIT 1"
_BEFORE: Final = "SELECT {clock} FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1"
_SENT: Final = """
SELECT at FROM decisions WHERE trigger_decision_id >= ? AND trigger_decision_id < ? AND action = 'send'
ORDER BY trigger_decision_id
"""


class Silence(NamedTuple):
    """How long it has been still.

    Attributes:
        age_s: Seconds since the last time; None where it never happened.
        usual_s: What the longest pause of the past was at most; None where there is too little past.
    """

    age_s: float | None
    usual_s: float | None

    @property
    def status(self) -> Status:
        """Say whether somebody should look."""
        if self.age_s is None or self.usual_s is None:
            return Status.UNKNOWN
        return Status.ALERT if self.age_s > self.usual_s else Status.OK


def of_events(connection: sqlite3.Connection, *, at_us: int) -> Silence:
    """Return how long no event has come.

    A log of millions is not read: where each hour of the past ends in it is found by halving. The clock is that of
    arrival, which never goes back; in a replay, that of the events.
    """
    first, last = connection.execute(_ENDS).fetchone()
    if last is None:
        return Silence(None, None)
    (origin,) = connection.execute(_NEWEST).fetchone()
    clock = "known_at" if origin == "replay" else "received_at"
    hours = _hours(at_us)
    ends: list[int] = []
    for hour in hours:
        ends.append(_first_after(connection, clock, hour, ends[-1] if ends else first, last + 1))
    present = _first_after(connection, clock, at_us + 1, ends[-1], last + 1)
    newest = connection.execute(_BEFORE.format(clock=clock), (present,)).fetchone()
    if newest is None:
        return Silence(None, None)
    busy = [end > begin for begin, end in pairwise(ends)]
    return _silence(at_us, int(newest[0]), busy, ends[-1] - ends[0])


def of_sends(connection: sqlite3.Connection, *, at_us: int) -> Silence:
    """Return how long nothing has been decided to be sent."""
    hours = _hours(at_us)
    sent = [row[0] for row in connection.execute(_SENT, (first_id(hours[0]), first_id(at_us + 1)))]
    if not sent:
        return Silence(None, None)
    busy = {(each - hours[0]) // HOUR_US for each in sent}
    return _silence(at_us, max(sent), [hour in busy for hour in range(len(hours) - 1)], len(sent))


def _silence(at_us: int, newest_us: int, busy: list[bool], happened: int) -> Silence:
    """Return how long it has been still, beside the longest pause between two busy hours of the past."""
    age_s = (at_us - newest_us) / SECOND_US
    there = [hour for hour, each in enumerate(busy) if each]
    if happened < LEAST_HAPPENED or not there or there[-1] - there[0] < LEAST_PAST_DAYS * 24:
        return Silence(age_s, None)
    # From the beginning of one busy hour to the end of the next one.
    longest = max((later - sooner for sooner, later in pairwise(there)), default=1)
    return Silence(age_s, (longest + 1) * 3600.0)


def _hours(at_us: int) -> list[int]:
    """Return the moments at which the hours of the past begin, the last of them the present moment."""
    return [at_us - hour * HOUR_US for hour in range(PAST_DAYS * DAY_US // HOUR_US, -1, -1)]


def _first_after(connection: sqlite3.Connection, clock: str, moment: int, low: int, high: int) -> int:
    """Return the first position in [low, high] whose event came at a moment or later; `high` if there is none."""
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(_AT.format(clock=clock), (middle,)).fetchone()
        if found is not None and found[0] < moment:
            low = middle + 1
        else:
            high = middle
    return low
