"""Logs of decisions in made-up worlds where the worth of every policy is known."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.decisions import Bools, Decisions, Floats, Ints, Prices
from training.world import chance

PRICES = Prices(order=20.0, contact=0.6, unsubscribe=20.0)
PER_USER = 2.0
"""Decisions of the average person, above one."""
LASTING = 0.7
"""Standard deviation of what is lasting in a person's inclination, of 1 in all."""
UNSEEN = 0.5
"""Standard deviation, in log-odds, of what is true of a person and no feature tells."""
BASE_LOG_ODDS = -2.2
NOISE_FEATURES = 3
UNSUBSCRIBE_RATE = 0.004
TRUTH_USERS = 200_000

Kind = Literal["even", "persuadable", "proportional"]
"""What a message does: `even` adds the same to everybody's log-odds; `persuadable` to those whom a feature of its own
marks, and takes from others; `proportional` multiplies each one's probability, so that intent ranks like uplift."""


@dataclass(frozen=True)
class Moments:
    """Moments at which a trigger may send, with both of what would follow; arrays of shape (n,) but for `features`.

    Attributes:
        user: Whose.
        features: What is known, of shape (n, 5): intent, persuadability, noise.
        score: The calibrated probability of an order without a message.
        if_held: The true probability of an order without the message.
        if_sent: The same with it.
        leaves: The probability of unsubscribing by it.
    """

    user: Ints
    features: Floats
    score: Floats
    if_held: Floats
    if_sent: Floats
    leaves: Floats


def moments(kind: Kind, users: int, *, seed: int) -> Moments:
    """Return the moments of so many people, one or several each."""
    drawn = np.random.default_rng([seed, 51])
    user = np.repeat(np.arange(users), 1 + drawn.poisson(PER_USER - 1, users))
    n = user.size
    intent = LASTING * drawn.normal(size=users)[user] + np.sqrt(1 - LASTING**2) * drawn.normal(size=n)
    persuadability = drawn.normal(size=users)[user]
    noise = drawn.normal(size=(n, NOISE_FEATURES))
    log_odds = BASE_LOG_ODDS + intent + UNSEEN * drawn.normal(size=users)[user]
    held = chance(log_odds)
    sent = {
        "even": chance(log_odds + 0.5),
        "persuadable": chance(log_odds + np.where(persuadability > 0.5, 1.3, -0.25)),
        "proportional": np.minimum(1.35 * held, 0.99),
    }[kind]
    # What no feature tells flattens the line (Zeger, Liang and Albert 1988): so the score is calibrated.
    score = chance((BASE_LOG_ODDS + intent) / np.sqrt(1 + 0.346 * UNSEEN**2))
    leaves = np.minimum(UNSUBSCRIBE_RATE * np.exp(-0.8 * intent), 0.2)
    return Moments(user, np.column_stack([intent, persuadability, noise]), score, held, sent, leaves)


def worth(at: Moments, send: Bools, prices: Prices = PRICES) -> float:
    """Return what a policy earns a decision, in truth: `send` says where it sends, of shape (n,)."""
    orders = np.where(send, at.if_sent, at.if_held)
    return float(np.mean(prices.order * orders - send * (prices.contact + prices.unsubscribe * at.leaves)))


def logged(at: Moments, *, threshold: float, hold_out: float, exploration: float, seed: int) -> Decisions:
    """Return what a ledger would hold of these moments.

    Args:
        at: The moments, with both outcomes.
        threshold: Sent from this score on.
        hold_out: Share of the people who get nothing all the same.
        exploration: Share of the decisions below the threshold that send all the same.
        seed: Of the draws of arms and outcomes.
    """
    drawn, n = np.random.default_rng([seed, 52]), at.user.size
    above = at.score >= threshold
    # Who is held out is drawn once a person, what is explored at each decision.
    treated = drawn.random(int(at.user.max(initial=0)) + 1)[at.user] >= hold_out
    sent = np.where(above, treated, drawn.random(n) < exploration)
    ordered = drawn.random(n) < np.where(sent, at.if_sent, at.if_held)
    return Decisions(
        user=at.user,
        score=at.score,
        features=at.features,
        sent=sent,
        chance=np.where(above, 1.0 - hold_out, exploration),
        ordered=ordered,
        unsubscribed=sent & (drawn.random(n) < at.leaves),
    )
