"""At which hours of their day people were active: what was known of it at a moment, and what they did after."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.activity import VISITS
from features.events import FLAG_MACHINE, FLAGS, OCCURRED_AT, UTC_OFFSET_S
from features.fold import EVENT, fold
from features.habits import HOURS, read_hours
from features.kinds import Kind
from features.layout import UTC_OFFSET
from features.moments import HOUR_US
from models.days import KINDS, SATURDAY
from training.log import Bools, Floats, Ints, Log

MOST_PEOPLE = 100_000
"""More tell no more of everybody's hours; drawn evenly from larger logs."""
HOUR_S = 3_600
_THURSDAY = 3
"""The day of the week of the epoch, from Monday on."""
_MOST_HOURS = 1 << 24
"""More than there are since the epoch: one number says whose hour it is."""
_VISITS = np.array(VISITS)


@dataclass(frozen=True)
class Habits:
    """People as they were known at a moment, and what they did after it, up to another one.

    Attributes:
        user: Index into the log's `user_keys`, of shape (n,).
        histories: What their states said of their hours at the moment, of shape (n, 24); see `features.habits`.
        events: How many events that was, of shape (n,).
        before: In how many hours of the time up to it they were active, by kind of day (`models.days`) and hour of
            theirs, of shape (n, 2, 24).
        after: The same of the time after it.
    """

    user: Ints
    histories: Floats
    events: Ints
    before: Floats
    after: Floats

    @cached_property
    def later(self) -> Floats:
        """In how many hours of the time after the moment they were active, on any day, of shape (n, 24)."""
        found: Floats = self.after.sum(axis=1)
        return found

    def where(self, chosen: Bools | Ints) -> "Habits":
        """Return some of the people."""
        return Habits(
            self.user[chosen], self.histories[chosen], self.events[chosen], self.before[chosen], self.after[chosen]
        )

    @property
    def came_back(self) -> "Habits":
        """Those of them who were active after the moment."""
        return self.where(self.later.sum(axis=1) > 0.0)

    def __len__(self) -> int:
        return int(self.user.size)


def habits(log: Log, at_us: int, until_us: int, *, seed: int = 0) -> Habits:
    """Return everybody who was known at a moment, and what they did in (at, until], both in microseconds.

    Bots, staff and tests are left out; what machines did counts for nothing. Ids that were linked by then are one
    person; of several that are linked later, the first stands for all.
    """
    user = np.arange(len(log.user_keys))
    at = np.full(user.size, at_us, dtype=np.int64)
    last = log.last_rows(user, at)
    own = (last >= 0) & ~log.excluded & (log.owners(user, at) == user)
    owner = log.owners(user, np.full(user.size, until_us, dtype=np.int64))
    chosen = _first_of_each(user[own], owner)
    if chosen.size > MOST_PEOPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, MOST_PEOPLE, replace=False))
    chosen = chosen[np.argsort(last[chosen], kind="stable")]
    states = fold(log.arrays, last[chosen])
    place = np.full(user.size, -1)
    place[owner[chosen]] = np.arange(chosen.size)
    who = place[owner[log.arrays.user]]
    moment = happened_at(log)
    seen = is_activity(log) & (who >= 0)
    before = seen & (log.arrays.known_at <= at_us)
    after = seen & (moment > at_us) & (moment <= until_us)
    active = (
        _active_hours(who[each], moment[each], _offsets(log, each, who, states[:, UTC_OFFSET]), chosen.size)
        for each in (before, after)
    )
    return Habits(
        chosen, read_hours(states, at[: chosen.size]), np.bincount(who[before], minlength=chosen.size), *active
    )


def events_per_visit(log: Log) -> float:
    """Return how many events an hour has in which somebody is active, on average; 1 for a log without activity."""
    seen = is_activity(log)
    hour = log.arrays.known_at[seen] // (HOUR_US)
    visits = np.unique(log.components[seen] * _MOST_HOURS + hour).size
    return float(seen.sum()) / visits if visits else 1.0


def _first_of_each(users: Ints, owner: Ints) -> Ints:
    _, first = np.unique(owner[users], return_index=True)
    return np.sort(users[first])


def happened_at(log: Log) -> Ints:
    """Return when each event happened, in microseconds, and not after it was known."""
    return np.minimum(log.arrays.records[:, OCCURRED_AT].astype(np.int64), log.arrays.known_at)


def is_activity(log: Log) -> Bools:
    """Return which events were visits of people that are in models."""
    kinds = log.kinds
    known = (kinds >= 0) & (kinds < _VISITS.size)
    machine = (log.arrays.records[:, FLAGS].astype(np.int64) & FLAG_MACHINE) != 0
    # Rows that stand for forgotten events are none.
    is_event: Bools = log.arrays.which == EVENT
    visit: Bools = _VISITS[np.where(known, kinds, Kind.OTHER)]
    found: Bools = is_event & visit & ~machine & ~log.excluded[log.arrays.user]
    return found


def _offsets(log: Log, rows: Bools, who: Ints, known: Floats) -> Floats:
    """Return by how many seconds local time is ahead of UTC: as the event says, else as was known of the person."""
    own = log.arrays.records[rows, UTC_OFFSET_S]
    return np.nan_to_num(np.where(np.isnan(own), known[who[rows]], own))


def _active_hours(who: Ints, at: Ints, offset_s: Floats, people: int) -> Floats:
    """Return in how many hours of the calendar each was active, by kind of day and hour, of shape (people, 2, 24)."""
    hour = ((at / 1e6 + offset_s) // HOUR_S).astype(np.int64)
    found = np.unique(who * _MOST_HOURS + hour)
    weekend, hour = in_the_week(found % _MOST_HOURS)
    place = (found // _MOST_HOURS * KINDS + weekend) * HOURS + hour
    counts = np.bincount(place, minlength=people * KINDS * HOURS)
    return counts.reshape(people, KINDS, HOURS).astype(np.float64)


def in_the_week(hours: Ints) -> tuple[Bools, Ints]:
    """Return of hours since the epoch, on any clock, whether each lies on a weekend, and which of the day it is."""
    weekend: Bools = (hours // HOURS + _THURSDAY) % 7 >= SATURDAY
    return weekend, hours % HOURS
