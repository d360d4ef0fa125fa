"""A made-up shop that can be asked half an hour after each visit whether to write to the visitor."""

import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from features.kinds import Kind
from features.moments import HOUR_US
from training.shop import Shop
from training.world import Bools, Ints
from training.world_days import Happenings, midnights, together
from training.world_messages import REMINDER, Sends, arrive
from training.world_visits import visit, visits_today

IDLE_US = HOUR_US // 2
"""So long after the last thing somebody did a visit is over, and a message goes out if one does."""
SECOND_VISIT = 10
"""The stream of draws of visits that a click begins."""


@dataclass(frozen=True)
class Idle:
    """Visits of one day that ended without an order; arrays of shape (n,).

    Attributes:
        user: Whose, ascending; nobody comes twice a day by themselves.
        at: Half an hour after the last thing they did, in microseconds.
        carted: Whether they put something into the cart on this visit.
        reachable: Whether they are known, and agreed to be written to.
    """

    user: Ints
    at: Ints
    carted: Bools
    reachable: Bools


class LoopShop(Shop):
    """A shop whose messages follow from visits of the same day: `come`, then `write`, then `night`."""

    def come(self) -> tuple[Happenings, Idle]:
        """Let today's visitors come, and return what they did and which visits ended without an order."""
        midnight = midnights(self.world, self.people, self.next_day)
        user, at = visits_today(self.world, self.people, self.now, self.weekday, midnight, self.next_day)
        found = together(visit(self.world, self.people, self.now, user, at, self.next_day))
        return found, self._idle(found, user)

    def write(self, user: Ints, at: Ints) -> Happenings:
        """Write to people, ascending, each at a moment (µs); return what follows: who clicks visits again."""
        midnight = midnights(self.world, self.people, self.next_day)
        hour = (at - midnight[user]) / HOUR_US % 24
        sends = Sends(user, np.full(user.size, REMINDER), hour)
        messages, clicks = arrive(self.world, self.people, self.now, sends, at, self.next_day)
        day, stream = self.next_day, SECOND_VISIT
        visits = visit(self.world, self.people, self.now, clicks.user, clicks.at, day, stream=stream)
        return together([*messages, *visits])

    def fork(self, seed: int) -> Self:
        """Return the same shop with the same people on the same morning, whose further days are drawn by `seed`."""
        found = copy.copy(self)
        found.world, found.now = replace(self.world, seed=seed), copy.deepcopy(self.now)
        return found

    def _idle(self, found: Happenings, user: Ints) -> Idle:
        last = np.zeros(self.world.users, dtype=np.int64)
        np.maximum.at(last, found.user, found.at)
        carted, bought = (_did(found, kind, self.world.users) for kind in (Kind.PRODUCT_ADDED, Kind.ORDER_COMPLETED))
        left = user[~bought[user]]
        reachable = self.now.subscribed[left] & (self.now.known_from[left] <= last[left])
        return Idle(left, last[left] + IDLE_US, carted[left], reachable)


def _did(found: Happenings, kind: Kind, users: int) -> Bools:
    did = np.zeros(users, dtype=np.bool_)
    did[found.user[found.kind == kind]] = True
    return did
