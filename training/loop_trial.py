"""Two policies beside each other: an A/B test in a made-up shop, its report, and what is true of both."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tea_tasting.metrics import Mean

from policy.arms import CONTROL, TREATMENT, split
from training.comparison import Comparison
from training.decisions import Bools, Floats, Ints, Prices
from training.experiment import Plan, Units
from training.experiment_report import Report, judge
from training.loop_learning import orders_of
from training.loop_life import Account, Life, Visits, joined
from training.loop_policy import LoopPolicy, Scorer
from training.off_policy import Interval
from training.windows import microseconds

DAYS, DRAWN_DAYS = 28, 14
"""How long it runs, and for how long of it people are drawn: whoever is drawn has two weeks to order."""
WINDOW = timedelta(days=14)
FIRST_DRAW = 1_000_000
"""Seeds of what is drawn to know the truth; no world has them."""
EXPECTED_SHARE = 0.9
SHARES = {CONTROL: 0.5, TREATMENT: 0.5}
NAME = "learned-policy"


class Drawn(NamedTuple):
    """Whoever was asked about in the first two weeks, each once, in order of the first time.

    Attributes:
        user: Whom.
        at: The first time, in microseconds.
        converted: Whether they ordered within two weeks of it.
    """

    user: Ints
    at: Ints
    converted: Bools


@dataclass(frozen=True)
class Tried:
    """What an A/B test came to.

    Attributes:
        report: Of the conversion rate, in the order of every report.
        profit: What the treatment earns more than control by a person and the whole time, with its 95 % interval.
        people: Of how many people.
    """

    report: Report
    profit: Interval
    people: int

    @property
    def comparison(self) -> Comparison:
        """The one comparison of the report."""
        return self.report.judged[0].comparison

    @property
    def effect(self) -> Interval:
        """The effect on the conversion rate as the last look saw it, with the interval that decides there."""
        last = self.comparison.last or self.comparison.looks[-1]
        if last.low is None or last.high is None:
            return Interval(last.estimate, last.always_low, last.always_high)
        return Interval(last.estimate, last.low, last.high)


def arms_of(users: int) -> Ints:
    """Return who is in which arm, of shape (users,): 0 control, 1 treatment."""
    halves = split(NAME, SHARES)
    return np.array([halves.assign(f"sim-{each}").arm == TREATMENT for each in range(users)], dtype=np.int64)


def drawn(visits: Visits, life: Life, since_day: int) -> Drawn:
    """Return who was drawn, by all visits from the first day of the test on."""
    early = visits.where(visits.asked & (visits.day < since_day + DRAWN_DAYS))
    early = early.where(np.argsort(early.at, kind="stable"))
    user, first = np.unique(early.user, return_index=True)
    order = np.argsort(first)
    user, at = user[order], early.at[first[order]]
    orders = orders_of(life.ordered, life.shop.world.users)
    return Drawn(user, at, orders.count(user, at, at + microseconds(WINDOW)) > 0)


def planned(before: Visits, until_day: int) -> int:
    """Return for how many users to plan, by how many were asked about in as many days before: nine in ten of them."""
    early = before.where(before.asked & (before.day >= until_day - DRAWN_DAYS))
    return round(EXPECTED_SHARE * np.unique(early.user).size)


def tried(
    life: Life, policies: tuple[LoopPolicy, LoopPolicy], model: Scorer | None, prices: Prices, users: int
) -> Tried:
    """Let four weeks pass with half of the people under each policy, control first, and judge by a plan of `users`."""
    begun = life.shop.next_day
    arm, account = arms_of(life.shop.world.users), Account.opened(life.shop.world.users)
    visits = joined([life.day(policies, arm, account, model) for _ in range(DAYS)])
    found = drawn(visits, life, begun)
    matured_at = found.at + microseconds(WINDOW)
    units = Units(
        arms=(CONTROL, TREATMENT),
        arm=arm[found.user],
        at=found.at,
        matured_at=matured_at,
        converted=found.converted,
        measures={"orders": account.orders[found.user].astype(np.float64)},
        guardrails={"unsubscribed": account.unsubscribed[found.user] > 0},
        until=int(matured_at.max()),
    )
    plan = Plan(NAME, users, tuple(SHARES.values()), WINDOW)
    people = np.unique(visits.user[visits.asked])
    return Tried(judge(units, plan), _profit(account.profit(prices)[people], arm[people]), people.size)


def _profit(earned: Floats, arm: Ints) -> Interval:
    """Return the difference of means by a person (Welch 1947), by the library that reports use."""
    found = Mean("profit").analyze(pa.table({"arm": arm, "profit": earned}), 0, 1, "arm")
    return Interval(float(found.effect_size), float(found.effect_size_ci_lower), float(found.effect_size_ci_upper))


class Truth(NamedTuple):
    """What a policy comes to where everybody is under it, four weeks long, over several draws of what happens.

    Attributes:
        profit: Of each person, of shape (users,), the mean over the draws.
        daily: Of everybody together since the first day, of shape (days,), likewise.
        converted: Of each draw the share of the people drawn who ordered within two weeks, of shape (draws,).
        orders: Of everybody together, the mean over the draws.
        sent: Messages, likewise.
        unsubscribed: Unsubscriptions, likewise.
        people: How many were asked about, likewise.
    """

    profit: Floats
    daily: Floats
    converted: Floats
    orders: float
    sent: float
    unsubscribed: float
    people: float


def truth(morning: Life, policy: LoopPolicy, model: Scorer | None, prices: Prices, draws: int) -> Truth:
    """Return what a policy comes to from this morning on; the same draws for whatever policy is asked."""
    found = [_drawn_again(morning.fork(seed), policy, model, prices) for seed in range(FIRST_DRAW, FIRST_DRAW + draws)]
    account = np.mean([each.account for each in found], axis=0)
    return Truth(
        np.mean([each.profit for each in found], axis=0),
        np.mean([each.daily for each in found], axis=0),
        np.array([each.converted for each in found]),
        *account.tolist(),
    )


class _Again(NamedTuple):
    profit: Floats
    daily: list[float]
    converted: float
    account: list[int]


def _drawn_again(life: Life, policy: LoopPolicy, model: Scorer | None, prices: Prices) -> _Again:
    users, begun = life.shop.world.users, life.shop.next_day
    everybody, account, days, daily = np.zeros(users, dtype=np.int64), Account.opened(users), [], []
    for _ in range(DAYS):
        days.append(life.day([policy], everybody, account, model))
        daily.append(float(account.profit(prices).sum()))
    visits = joined(days)
    converted = float(drawn(visits, life, begun).converted.mean())
    counts = [int(each.sum()) for each in (account.orders, account.sent, account.unsubscribed)]
    return _Again(account.profit(prices), daily, converted, [*counts, np.unique(visits.user[visits.asked]).size])
