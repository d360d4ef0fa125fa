"""Made-up people of whom features and true chances to order are known: what models learn from and are judged by."""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from features.catalog import CATALOGUE
from features.layout import Catalogue
from training.fit import Rows
from training.world import chance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LASTING, PASSING = 4, 4
"""Features that stay with a person, and such as are drawn anew for each row; two of either say nothing."""
NAMES: Final = tuple(f"lasting_{i}" for i in range(LASTING)) + tuple(f"passing_{i}" for i in range(PASSING))
FEATURES: Final[Catalogue] = replace(CATALOGUE, names=NAMES, directions=(0,) * len(NAMES))
"""As training asks for a catalogue: names and directions, of which there are none."""
BASE_LOG_ODDS = -2.2
UNSEEN = 0.5
"""Standard deviation, in log-odds, of what is true of a person and no feature tells: their rows are not independent."""
FLATTENED: Final = float(np.sqrt(1.0 + 0.346 * UNSEEN**2))
"""What no feature tells flattens the best that can be said (Zeger, Liang and Albert 1988)."""


class People(NamedTuple):
    """What stays with each person: features of shape (people, LASTING), and what no feature tells."""

    lasting: Floats
    unseen: Floats


class Moments(NamedTuple):
    """Moments at which people are asked about.

    Attributes:
        features: Of shape (n, features).
        user: Whose.
        chance: The true probability of an order.
        knowable: The log-odds of the best that features can tell.
    """

    features: Floats
    user: Ints
    chance: Floats
    knowable: Floats

    def loss(self, log_odds: Floats) -> float:
        """Return the true mean log-loss of predictions of these moments, in nats: over all outcomes there might be."""
        return float(np.mean(np.logaddexp(0.0, log_odds) - self.chance * log_odds))

    def rows(self, random: np.random.Generator, at: Ints | None = None) -> Rows:
        """Return what training would see of them: one outcome each, by chance."""
        moments = np.arange(self.user.size) if at is None else at
        return Rows(self.features, random.random(self.user.size) < self.chance, self.user, moments)


def people(count: int, random: np.random.Generator) -> People:
    """Return so many people."""
    return People(random.normal(size=(count, LASTING)), random.normal(scale=UNSEEN, size=count))


def moments(of: People, user: Ints, random: np.random.Generator) -> Moments:
    """Return a moment of each of these users; what passes is drawn anew."""
    passing = random.normal(size=(user.size, PASSING))
    lasting = of.lasting[user]
    leaning = 0.9 * lasting[:, 0] + 0.7 * passing[:, 0] + 0.5 * np.maximum(passing[:, 1], 0.0)
    inclination = BASE_LOG_ODDS + leaning + 0.6 * np.tanh(lasting[:, 1]) * (passing[:, 0] > 0)
    return Moments(
        features=np.column_stack([lasting, passing]),
        user=user,
        chance=chance(inclination + of.unseen[user]),
        knowable=inclination / FLATTENED,
    )


def several_each(count: int, each: float, rows: int, random: np.random.Generator) -> Moments:
    """Return so many moments of so many people, `each` on average, the rows of a person adjacent."""
    user = np.repeat(np.arange(count), 1 + random.poisson(each - 1, count))[:rows]
    return moments(people(count, random), user, random)
