"""What a policy that was not followed would have earned, by a log: importance weighting, doubly robust estimates."""

from typing import NamedTuple

import lightgbm as lgb
import numpy as np

from training.decisions import Bools, Decisions, Floats, Ints, Prices
from training.evaluate import by_user

FOLDS = 5
TREES = 40
LEAST_ROWS = 200
"""With fewer rows of an action its mean stands for all of them."""
LEAST_EFFECTIVE, LARGEST_WEIGHT = 500.0, 50.0
LEAST_PEOPLE = 50.0
"""Whose decisions these are: intervals are drawn from people, and those of a few are too narrow."""
RESAMPLES, DRAWS_AT_ONCE = 1000, 50
PARAMETERS = {
    "objective": "regression",
    "learning_rate": 0.1,
    "num_leaves": 7,
    "min_data_in_leaf": 100,
    "lambda_l2": 20.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


class Unanswerable(ValueError):
    """The log does not tell what this policy would have earned."""


class Interval(NamedTuple):
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float


class Estimates(NamedTuple):
    """What a policy earns a decision, by three estimators.

    See Dudík, Langford and Li (2011), and of the second Swaminathan and Joachims (2015).
    """

    weighted: float
    self_normalised: float
    doubly_robust: float


def weights(log: Decisions, send: Bools) -> Floats:
    """Return how many decisions each logged one stands for under another policy, of shape (n,).

    Raises:
        Unanswerable: It does what the log never did, too few decisions or people speak for it, or one speaks for too
            many.
    """
    impossible = np.where(send, log.chance <= 0, log.chance >= 1)
    if impossible.any():
        done = "sent" if (send & impossible).any() else "withheld"
        raise Unanswerable(
            f"unknown: {int(impossible.sum()):,} decisions would be changed where nothing was ever {done} by chance"
        )
    found = np.where(log.sent == send, 1.0 / np.where(send, log.chance, 1.0 - log.chance), 0.0)
    if (most := float(found.max(initial=0.0))) > LARGEST_WEIGHT:
        raise Unanswerable(f"one decision would stand for {most:.0f}, more than {LARGEST_WEIGHT:.0f}")
    if (size := effective_size(found)) < LEAST_EFFECTIVE:
        raise Unanswerable(f"the log is worth {size:.0f} decisions of this policy, {LEAST_EFFECTIVE:.0f} are needed")
    if (people := effective_size(by_user(found[:, None], log.user)[:, 0])) < LEAST_PEOPLE:
        raise Unanswerable(f"the log is worth {people:.0f} people of this policy, {LEAST_PEOPLE:.0f} are needed")
    return found


def effective_size(weights: Floats) -> float:
    """Return how many equally weighted decisions are worth as much (Kish 1965)."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def expected_rewards(log: Decisions, prices: Prices, *, seed: int = 0) -> Floats:
    """Return what each decision should earn held and sent, of shape (n, 2), by models that never saw its person."""
    known, rewards = log.known(), log.rewards(prices)
    fold = folds(log.user, seed)
    found = np.empty((len(log), 2))
    for held_out in range(FOLDS):
        judged = fold == held_out
        for action in (0, 1):
            learned = ~judged & (log.sent == bool(action))
            found[judged, action] = _predicted(known[learned], rewards[learned], known[judged], seed)
    return found


def folds(user: Ints, seed: int) -> Ints:
    """Return in which of `FOLDS` parts each row is, of shape (n,): all rows of a person in the same one."""
    people, place = np.unique(user, return_inverse=True)
    return np.asarray(np.random.default_rng([seed, 61]).permutation(people.size)[place] % FOLDS, dtype=np.int64)


def doubly_robust(log: Decisions, send: Bools, weights: Floats, rewards: Floats, expected: Floats) -> Floats:
    """Return what each decision adds to the estimate, of shape (n,); its mean is the value of the policy.

    Unbiased whatever `expected` says, since the chances are known; the better that is, the narrower the interval.
    """
    rows = np.arange(len(log))
    found = expected[rows, send.astype(int)] + weights * (rewards - expected[rows, log.sent.astype(int)])
    return np.asarray(found, dtype=np.float64)


def estimates(log: Decisions, send: Bools, prices: Prices, expected: Floats) -> Estimates:
    """Return the value of a policy by all three estimators.

    Raises:
        Unanswerable: As `weights` does.
    """
    found, rewards = weights(log, send), log.rewards(prices)
    weighted = found * rewards
    robust = doubly_robust(log, send, found, rewards, expected)
    return Estimates(float(weighted.mean()), float(weighted.sum() / found.sum()), float(robust.mean()))


def resampled(rows: Floats, user: Ints, *, seed: int = 0, draws: int = RESAMPLES) -> Floats:
    """Return means of rows drawn again by person, of shape (draws, k); `rows` of shape (n, k)."""
    sums = by_user(np.column_stack([rows, np.ones(len(rows))]), user)
    drawn, people = np.random.default_rng([seed, 62]), len(sums)
    parts = []
    for begun in range(0, draws, DRAWS_AT_ONCE):
        again = (drawn.integers(0, people, people) for _ in range(min(DRAWS_AT_ONCE, draws - begun)))
        counts = np.array([np.bincount(each, minlength=people) for each in again], dtype=np.float64)
        totals = counts @ sums
        parts.append(totals[:, :-1] / totals[:, -1:])
    return np.concatenate(parts)


def interval(estimate: float, resampled: Floats, level: float = 0.95) -> Interval:
    """Return the interval that holds this share of the resampled values."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high))


def _predicted(known: Floats, rewards: Floats, asked: Floats, seed: int) -> Floats:
    if len(rewards) < LEAST_ROWS:
        return np.full(len(asked), rewards.mean() if len(rewards) else 0.0)
    booster = lgb.train({**PARAMETERS, "seed": seed}, lgb.Dataset(known, rewards), TREES)
    return np.asarray(booster.predict(asked, num_threads=1), dtype=np.float64)
