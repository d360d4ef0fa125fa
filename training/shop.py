"""A made-up shop that is open: each day takes the messages that are to be sent and tells what happened."""

from datetime import timedelta

import numpy as np

from training.world import Floats, Ints, World, people
from training.world_days import Happenings, effect_today, midnights, present, together
from training.world_messages import Clicks, Sends, calendar, deliver
from training.world_visits import visit, visits_today

STEADINESS = 0.8
"""How much of a day's interest is left on the next one."""
FORGETTING = 0.85
"""How much of the tiredness by messages is left on the next day."""


class Shop:
    """A world in motion. Of two shops of one world the same things are drawn, whatever is sent."""

    def __init__(self, world: World) -> None:
        """Open it on the morning of the first day."""
        self.world = world
        self.people = people(world)
        self.now = present(world)
        self.next_day = 0

    @property
    def weekday(self) -> int:
        """Return the weekday of the day to come, 0 for Monday."""
        return (self.world.begins + timedelta(days=self.next_day)).weekday()

    def usual_sends(self) -> Sends:
        """Return what the status quo would send on the day to come."""
        return calendar(self.now, self.next_day, self.weekday)

    def effect(self) -> Floats:
        """Return what messages now add to the log-odds of ordering, in truth, of shape (users,)."""
        return effect_today(self.world, self.people, self.now, self.next_day)

    def day(self, sends: Sends | None = None) -> Happenings:
        """Let a day pass and return what happened, in order of time; without `sends` the status quo's go out.

        Raises:
            ValueError: Somebody was to get two messages in one day, or who unsubscribed was to get one.
        """
        world, who, now, day = self.world, self.people, self.now, self.next_day
        chosen = self.usual_sends() if sends is None else sends
        if np.any(np.diff(chosen.user) <= 0) or not now.subscribed[chosen.user].all():
            raise ValueError("a day's messages go to people who are subscribed, each once, in ascending order")
        midnight = midnights(world, who, day)
        messages, clicks = deliver(world, who, now, chosen, midnight, day)
        user, at = _earliest(*visits_today(world, who, now, self.weekday, midnight, day), clicks)
        visits = visit(world, who, now, user, at, day)
        self.night()
        return together([*messages, *visits])

    def night(self) -> None:
        """Let the day end: interest comes and goes, messages are forgotten."""
        now = self.now
        drawn = self.world.random(6, self.next_day).normal(0, np.sqrt(1 - STEADINESS**2), self.world.users)
        now.interest *= STEADINESS
        now.interest += drawn
        now.tiredness *= FORGETTING
        self.next_day += 1


def _earliest(user: Ints, at: Ints, clicks: Clicks) -> tuple[Ints, Ints]:
    """Return each visitor once, with their first moment of the day."""
    both, moments = np.concatenate([user, clicks.user]), np.concatenate([at, clicks.at])
    order = np.lexsort((moments, both))
    found, first = np.unique(both[order], return_index=True)
    return found, moments[order][first]
