"""Decision points and their labels: when somebody might have been asked about, and whether they then ordered."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from features.events import OCCURRED_AT, UTC_OFFSET_S
from features.kinds import Kind
from features.moments import DAY_US, SECOND_US
from training.log import Ints, Log
from training.windows import microseconds

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

MINUTE_US = 60 * SECOND_US

MOST_POINTS = 200_000
USUAL_POINTS = 48_000
POINTS_PER_EVENT = 0.1
"""Of large logs; small ones are asked more often, up to `MOST_PER_EVENT`."""
MOST_PER_EVENT = 4.0
EVENT_SHARE, TIMER_SHARE = 0.25, 0.10
MIDNIGHT_SHARE = 0.5
"""Of the idle moments: people are scored in bulk at night."""
LONGEST_TIMER = timedelta(days=7)
LATE = timedelta(hours=1)
"""How much later than it happened an order may become known: windows are over this much later."""
LATE_US = microseconds(LATE)


class Asked(IntEnum):
    """Why somebody would be asked about at this moment."""

    EVENT = 0
    """They just did something."""
    TIMER = 1
    """They did something, and then a timer fired."""
    IDLE = 2
    """Everybody is asked about, at some moment or at local midnight."""


@dataclass(frozen=True)
class Points:
    """Decision points in the order of their moments.

    Attributes:
        user: Index into the log's `user_keys`, of shape (n,).
        at: Microseconds since the epoch.
        asked: Why, an `Asked`.
    """

    user: Ints
    at: Ints
    asked: Ints

    def __len__(self) -> int:
        return int(self.at.size)

    def where(self, chosen: Bools) -> "Points":
        """Return the chosen points."""
        return Points(self.user[chosen], self.at[chosen], self.asked[chosen])


@dataclass(frozen=True)
class Labels:
    """What followed each point within one horizon.

    Attributes:
        ordered: Whether the person, under any of their ids, ordered in (at, at + horizon].
        matured: Whether the horizon was over at the end of the log, and late orders there; the others are censored,
            never negative.
        next_order: The moment of the first order after the point, in microseconds; -1 if there is none.
    """

    ordered: Bools
    matured: Bools
    next_order: Ints


@dataclass(frozen=True)
class Orders:
    """Orders of each person, linked ids together, sorted by person and moment."""

    person: Ints
    """By user index: the smallest user index that links connect it to."""
    starts: Ints
    """By person: where their orders start in `at`; one more at the end."""
    at: Ints

    def after(self, users: Ints, at: Ints) -> Ints:
        """Return the moment of the first order after each moment, -1 for none."""
        place = self.place(users, at)
        found = np.full(users.size, -1, dtype=np.int64)
        there = place < self.starts[self.person[users] + 1]
        found[there] = self.at[place[there]]
        return found

    def count(self, users: Ints, since: Ints, until: Ints) -> Ints:
        """Return how many orders each had in (since, until]."""
        return self.place(users, until) - self.place(users, since)

    def place(self, users: Ints, at: Ints) -> Ints:
        """Return where in `at` the orders of each user after each moment start."""
        person = self.person[users]
        low, high = self.starts[person].copy(), self.starts[person + 1].copy()
        while np.any(low < high):
            middle = (low + high) // 2
            inside = low < high
            before = inside & (self.at[np.minimum(middle, self.at.size - 1)] <= at)
            low = np.where(before, middle + 1, low)
            high = np.where(inside & ~before, middle, high)
        return low


def orders(log: Log) -> Orders:
    """Return every order of the log by when it happened, which is never after it became known."""
    person = np.arange(len(log.user_keys), dtype=np.int64)
    person[log.arrays.user] = log.components
    bought = log.kinds == Kind.ORDER_COMPLETED
    occurred = np.minimum(log.arrays.records[bought, OCCURRED_AT].astype(np.int64), log.arrays.known_at[bought])
    whose = log.components[bought]
    order = np.lexsort((occurred, whose))
    starts = np.searchsorted(whose[order], np.arange(person.size + 1))
    return Orders(person=person, starts=starts, at=occurred[order])


def label(found: Orders, points: Points, horizon: timedelta, *, end_us: int) -> Labels:
    """Return what followed each point within `horizon`, as far as a log that ends at `end_us` can tell."""
    width = microseconds(horizon)
    following = found.after(points.user, points.at)
    within = (following >= 0) & (following <= points.at + width)
    return Labels(ordered=within, matured=points.at + width + LATE_US <= end_us, next_order=following)


def how_many(events: int) -> int:
    """Return how many points a log of so many events is worth: a tenth of a large one, more of a small one."""
    return int(min(MOST_POINTS, max(events * POINTS_PER_EVENT, min(USUAL_POINTS, events * MOST_PER_EVENT))))


def decision_points(log: Log, *, start_us: int, end_us: int, count: int, seed: int = 0) -> Points:
    """Return about `count` distinct moments in [start_us, end_us] at which people were there to be asked about.

    A quarter right after an event, a tenth at a delay after one, the rest spread evenly over people and time since they
    were first seen, half of those at local midnight. Bots, staff and tests are left out.

    Args:
        log: All that is known.
        start_us: No point is earlier, in microseconds.
        end_us: No point is later.
        count: How many to draw; the same moment of the same user is kept once.
        seed: The same seed draws the same points.
    """
    drawn = np.random.default_rng(seed)
    parts = [
        _events(log, start_us, end_us, round(count * EVENT_SHARE), drawn),
        _timers(log, start_us, end_us, round(count * TIMER_SHARE), drawn),
        _idle(log, start_us, end_us, round(count * (1 - EVENT_SHARE - TIMER_SHARE)), drawn),
    ]
    at = np.concatenate([each[1] for each in parts])
    # An id that was linked by then is asked about under the one it belongs to.
    user = log.owners(np.concatenate([each[0] for each in parts]), at)
    asked = np.repeat(np.array(list(Asked), dtype=np.int64), [each[0].size for each in parts])
    # Sorted by moment, user and reason, so that of equal ones the event stays.
    order = np.lexsort((asked, user, at))
    user, at, asked = user[order], at[order], asked[order]
    first = np.ones(at.size, dtype=np.bool_)
    first[1:] = (np.diff(at) != 0) | (np.diff(user) != 0)
    return Points(user, at, asked).where(first & ~log.excluded[user])


def _eligible(log: Log, start_us: int, end_us: int) -> Ints:
    """Return the rows from which a point may be drawn."""
    arrays = log.arrays
    inside = (arrays.known_at >= start_us) & (arrays.known_at <= end_us)
    return np.flatnonzero(inside & ~log.excluded[arrays.user])


def _events(log: Log, start_us: int, end_us: int, count: int, drawn: np.random.Generator) -> tuple[Ints, Ints]:
    rows = _eligible(log, start_us, end_us)
    rows = drawn.choice(rows, min(count, rows.size), replace=False)
    return log.arrays.user[rows], log.arrays.known_at[rows]


def _timers(log: Log, start_us: int, end_us: int, count: int, drawn: np.random.Generator) -> tuple[Ints, Ints]:
    rows = _eligible(log, start_us, end_us)
    if not rows.size:
        return rows, rows
    rows = drawn.choice(rows, count)
    longest = LONGEST_TIMER.total_seconds() * SECOND_US
    delay = np.exp(drawn.uniform(np.log(MINUTE_US), np.log(longest), rows.size)).astype(np.int64)
    at = log.arrays.known_at[rows] + delay
    return log.arrays.user[rows][at <= end_us], at[at <= end_us]


def _idle(log: Log, start_us: int, end_us: int, count: int, drawn: np.random.Generator) -> tuple[Ints, Ints]:
    """Spread points evenly over everybody's time since they were first seen, end to end.

    Even steps through all those times, each with its own jitter, leave less to chance than independent draws.
    """
    users, seen, until = _people(log, end_us)
    since = np.maximum(seen, start_us)
    total = np.cumsum(np.maximum(until - since, 0), dtype=np.float64)
    if not users.size or total[-1] <= 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    place = (np.arange(count) + drawn.random(count)) / count * total[-1]
    who = np.minimum(np.searchsorted(total, place, side="right"), users.size - 1)
    at = until[who] - np.minimum(total[who] - place, until[who] - since[who]).astype(np.int64)
    offset = _offsets(log, users[who], at)
    local = at + offset
    midnight = local - local % DAY_US - offset
    chosen = (drawn.random(count) < MIDNIGHT_SHARE) & (midnight >= since[who])
    return users[who], np.where(chosen, midnight, at)


def _people(log: Log, end_us: int) -> tuple[Ints, Ints, Ints]:
    """Return the users that are in models and were seen by then, when first, and until when each is asked about.

    An id that is linked to another is that one's from then on: whoever has many ids is one person, not many.
    """
    arrays = log.arrays
    rows = np.flatnonzero((arrays.known_at <= end_us) & ~log.excluded[arrays.user])
    rows = rows[np.lexsort((arrays.known_at[rows], arrays.user[rows]))]
    users, first = np.unique(arrays.user[rows], return_index=True)
    # A microsecond before, which is the last one under the old id.
    return users, arrays.known_at[rows[first]], np.minimum(log.moves[1][users] - 1, end_us)


def _offsets(log: Log, users: Ints, at: Ints) -> Ints:
    """Return by how many microseconds the clock of each user was ahead of UTC, as known at each moment; of shape (n,).

    As it was then: by the clocks of winter, every midnight of the summer before would be an hour late.
    """
    said = log.arrays.records[:, UTC_OFFSET_S]
    # Of each row, the last one of its user by then that says it.
    order = np.lexsort((np.arange(said.size), log.arrays.user))
    told = np.maximum.accumulate(np.where(np.isnan(said[order]), -1, np.arange(said.size)))
    starts = np.searchsorted(log.arrays.user[order], log.arrays.user[order])
    offset_s = np.zeros(said.size + 1)
    offset_s[order] = np.where(told >= starts, said[order][told], 0.0)
    return (offset_s[log.last_rows(users, at)] * SECOND_US).astype(np.int64)
