"""Probabilities beside what followed: whether their level is right, and whether they do as well as they expect."""

from typing import Final, NamedTuple

import numpy as np

from training.evaluate import Bools, Floats, Ints, by_user, log_loss, losses
from training.expected import Expected, entropy, expected, roc_auc
from training.status import Status

TWO_SIDED_99: Final = 2.5758293035489004
LEAST_ORDERS: Final = 20
"""Rows followed by an order, and expected to be, below which nothing is said."""
LARGE_RATIO: Final = 1.25
"""A level that is wrong by more than a quarter moves a threshold as much as most people mean by moving one."""


class Gap(NamedTuple):
    """A figure less what was expected of it.

    Attributes:
        estimate: Above 0 where more came than was expected.
        margin: As far as chance takes it in 99 of 100 cases; rows of one person are not independent.
    """

    estimate: float
    margin: float

    @property
    def is_chance(self) -> bool:
        """Whether it may be nothing."""
        return abs(self.estimate) <= self.margin


class Realised(NamedTuple):
    """How good probabilities were, beside what they expected.

    Attributes:
        rows: Matured rows that no message changed.
        left_out: Matured rows that a message may have changed.
        people: Whose rows they are.
        orders: Rows that were followed by an order.
        rate: The share of rows, weighted, that were.
        log_loss: In nats.
        roc_auc: None where only one outcome occurred.
        expected: Before it was known what followed.
        level: The rate less what was expected.
        loss: The log-loss less what was expected.
    """

    rows: int
    left_out: int
    people: int
    orders: int
    rate: float
    log_loss: float
    roc_auc: float | None
    expected: Expected
    level: Gap
    loss: Gap

    @property
    def status(self) -> Status:
        """Say whether the level is right."""
        if min(self.orders, self.expected.rate * self.rows) < LEAST_ORDERS:
            return Status.UNKNOWN
        if self.level.is_chance:
            return Status.OK if self.loss.is_chance else Status.CHANGED
        lower, higher = sorted((self.rate, self.expected.rate))
        return Status.LARGE if higher > LARGE_RATIO * lower else Status.CHANGED


def realised(
    predicted: Floats, ordered: Bools, person: Ints, weight: Floats | None = None, *, left_out: int = 0
) -> Realised | None:
    """Return how good these probabilities, of shape (n,), were; None where there are none."""
    if not predicted.size:
        return None
    counts = np.ones(predicted.size) if weight is None else weight
    return Realised(
        rows=int(predicted.size),
        left_out=left_out,
        people=int(np.unique(person).size),
        orders=int(ordered.sum()),
        rate=float(np.average(ordered, weights=counts)),
        log_loss=log_loss(predicted, ordered, counts),
        roc_auc=roc_auc(predicted, counts * ordered, counts * ~ordered),
        expected=expected(predicted, counts),
        level=_gap(ordered - predicted, person, counts),
        loss=_gap(losses(predicted, ordered) - entropy(predicted), person, counts),
    )


def _gap(differences: Floats, person: Ints, counts: Floats) -> Gap:
    mean = float(np.average(differences, weights=counts))
    # Around 0, which it is if the probabilities are right.
    spread = by_user((counts * differences)[:, None], person)
    return Gap(mean, TWO_SIDED_99 * float(np.sqrt(np.sum(spread**2))) / float(counts.sum()))
