"""Decisions of one trigger as the ledger has them, matured, and what they were worth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Prices:
    """What things are worth to the shop, all in its currency.

    Attributes:
        order: What it earns by one order.
        contact: What one message costs.
        unsubscribe: What it loses with somebody who wants no further messages: what they would have bought later.
    """

    order: float
    contact: float
    unsubscribe: float

    @property
    def in_words(self) -> str:
        """What was reckoned with, and how to say it otherwise."""
        return (
            f"Priced: an order earns {self.order:.2f}, a message costs {self.contact:.2f}, "
            f"an unsubscription {self.unsubscribe:.2f} (ORDER_VALUE, CONTACT_COST, UNSUBSCRIBE_COST)"
        )


@dataclass(frozen=True)
class Decisions:
    """Decisions where the score had the last word, or would have had it; arrays of shape (n,) but for `features`.

    Attributes:
        user: Whose; several decisions of one person are not independent.
        score: The probability that was compared with the threshold.
        features: What else was known, of shape (n, k); NaN where it was not kept.
        sent: Whether the message was sent.
        chance: The probability, in [0, 1], with which it was to be sent under the whole policy, hold-out and
            exploration included: 0 where it was sure to be held.
        ordered: Whether an order came within the horizon.
        unsubscribed: Whether the person unsubscribed or complained by it.
    """

    user: Ints
    score: Floats
    features: Floats
    sent: Bools
    chance: Floats
    ordered: Bools
    unsubscribed: Bools

    def __len__(self) -> int:
        return len(self.user)

    def where(self, chosen: Bools | Ints) -> "Decisions":
        """Return the chosen rows."""
        return Decisions(**{name: values[chosen] for name, values in vars(self).items()})

    def rewards(self, prices: Prices) -> Floats:
        """Return what each decision earned, the message's cost included."""
        lost = prices.unsubscribe * self.unsubscribed + prices.contact * self.sent
        return np.asarray(prices.order * self.ordered - lost, dtype=np.float64)

    def known(self) -> Floats:
        """Return what a model may look at: the score, then the features, of shape (n, 1 + k)."""
        return np.column_stack([self.score, self.features])
