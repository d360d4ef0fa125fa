"""Draws of a made-up world that belong to a person: whoever else is there, somebody draws the same."""

import numpy as np

from training.world import Floats, Ints, World


class Draws:
    """What some people draw for one purpose on one day.

    Each call draws for everybody and keeps the rows of those who are asked, so that a message to one person moves no
    draw of another: two policies tried on one world differ by what they do, and by nothing else.
    """

    def __init__(self, world: World, stream: int, step: int, who: Ints) -> None:
        """`who` are the people, by index, in any order."""
        self._drawn, self._users, self._who = world.random(stream, step), world.users, who

    def uniform(self, *each: int) -> Floats:
        """Return numbers in [0, 1), of shape (people, *each)."""
        return self._drawn.random((self._users, *each))[self._who]

    def exponential(self, *each: int) -> Floats:
        """Return numbers above 0 with mean 1, of shape (people, *each)."""
        return -np.log1p(-self.uniform(*each))

    def normal(self) -> Floats:
        """Return numbers around 0 with standard deviation 1, of shape (people,)."""
        return self._drawn.normal(size=self._users)[self._who]
