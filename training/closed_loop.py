"""Twelve weeks of a made-up shop: begin with a rule, log, learn, choose thresholds, try, and look at what is true."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.dataset import Orders
from training.decisions import Prices
from training.gate import Verdict
from training.loop_learning import chosen, decisions, material, orders_of, retrained
from training.loop_life import Account, Life, Visits, joined
from training.loop_policy import CART_RULE, EVERY_VISIT, NO_MESSAGES, NOBODY, LoopPolicy, Scorer, Trial
from training.loop_trial import DAYS, Tried, Truth, planned, tried, truth
from training.policy_value import CONTACT_COST, MARGIN
from training.thresholds import Curve
from training.world import World
from training.world_days import midnights

WEEK = 7
LEARNED_ON = (3 * WEEK, 6 * WEEK, 8 * WEEK)
"""After so many days a model is learned; the second and third time thresholds are chosen too; then they are tried."""
TRIAL = Trial(hold_out=0.1, exploration=0.1)
DRAWS = 1
MILLE = 1000


@dataclass(frozen=True)
class Round:
    """What was learned and chosen on one morning.

    Attributes:
        day: On which.
        gate: What the gate said of the new model.
        version: Of the model in service from then on; 0 for none.
        cart: What each threshold would have earned after carts, or why nothing can be said; None before scores.
        browse: The same after other visits.
        policy: In force from then on.
    """

    day: int
    gate: Verdict
    version: int
    cart: Curve | str | None
    browse: Curve | str | None
    policy: LoopPolicy

    @property
    def in_words(self) -> str:
        """Return what happened, in a line."""
        took = f"model {self.version} in service" if self.gate.promoted else f"no new model ({self.gate.reason})"
        return f"{took}; {self.policy.in_words}"


@dataclass(frozen=True)
class Story:
    """What the twelve weeks came to.

    Attributes:
        world: Which one.
        prices: What was reckoned with.
        visits: All of them before the test that ended without an order.
        rounds: What was learned, in order.
        tried: The A/B test of what was chosen against the rule; None where that was the rule.
        truths: By name of the policy: `none`, `rule`, `always`, `learned`.
    """

    world: World
    prices: Prices
    visits: Visits
    rounds: tuple[Round, ...]
    tried: Tried | None
    truths: dict[str, Truth]

    @property
    def policy(self) -> LoopPolicy:
        """What was chosen in the end."""
        return self.rounds[-1].policy

    def gain(self, name: str, over: str = "rule") -> tuple[float, float]:
        """Return what 1,000 people truly earn more in four weeks than under another policy, and its standard error."""
        more = self.truths[name].profit - self.truths[over].profit
        scale = MILLE / self.truths[over].people
        return scale * float(more.sum()), scale * float(more.std()) * float(np.sqrt(more.size))

    @property
    def effect(self) -> float:
        """What the learned policy truly adds to the share of people who order within two weeks."""
        return float(np.mean(self.truths["learned"].converted - self.truths["rule"].converted))


Say = Callable[[str], None]


def live(world: World, *, contact: float = CONTACT_COST, draws: int = DRAWS, say: Say = lambda _line: None) -> Story:
    """Live through twelve weeks of a world.

    Args:
        world: What is true.
        contact: What a message costs.
        draws: Over how many draws of the last four weeks the truth is averaged.
        say: Is told what happens, a line at a time.
    """
    before = _Before(world, contact)
    rounds = []
    for day in LEARNED_ON:
        rounds.append(before.until(day))
        say(f"day {day}: {rounds[-1].in_words}")
    life, policy, model, prices = before.life, before.policy, before.model, before.prices
    visits, morning = joined(before.visits), life.fork(world.seed)
    found = None
    if policy != CART_RULE:
        say(f"days {LEARNED_ON[-1] + 1} to {LEARNED_ON[-1] + DAYS}: half of the people under each policy")
        found = tried(life, (CART_RULE, policy), model, prices, planned(visits, LEARNED_ON[-1]))
    say("the same four weeks again, all of the people under each policy: the truth")
    policies = {"none": NO_MESSAGES, "rule": CART_RULE, "always": EVERY_VISIT, "learned": policy}
    truths = {name: truth(morning, each, model, prices, draws) for name, each in policies.items()}
    return Story(world, prices, visits, tuple(rounds), found, truths)


class _Before:
    """The weeks before the test."""

    def __init__(self, world: World, contact: float) -> None:
        self.life, self.visits, self.policy = Life.begun(world), list[Visits](), CART_RULE
        self.model: Scorer | None = None
        self._world, self._contact, self._learned_at = world, contact, 0
        self._account, self._arm = Account.opened(world.users), np.zeros(world.users, dtype=np.int64)

    @property
    def prices(self) -> Prices:
        """Return them as `make policy-value` takes them where nobody says any: a margin of the mean order."""
        order = MARGIN * float(np.concatenate([each.amount for each in self.life.ordered]).mean())
        return Prices(order, self._contact, order)

    def until(self, day: int) -> Round:
        """Let the days pass until this one, then choose by what was logged, and learn."""
        while self.life.shop.next_day < day:
            self.visits.append(self.life.day([self.policy], self._arm, self._account, self.model, TRIAL))
        now = int(midnights(self._world, self.life.shop.people, day).min())
        visits, orders = joined(self.visits), orders_of(self.life.ordered, self._world.users)
        curves = self._chosen(visits, orders, now)
        found = material(visits, orders, now, seed=self._world.seed)
        self.model, verdict = retrained(found, self.model, self._learned_at, seed=self._world.seed)
        if verdict.promoted:
            self._learned_at = now
        return Round(day, verdict, self.model.version if self.model else 0, *curves, self.policy)

    def _chosen(self, visits: Visits, orders: Orders, now: int) -> tuple[Curve | str | None, Curve | str | None]:
        """Return what each threshold of both triggers would have earned; what surely earns more comes into force.

        Scores have to be of a model that did not learn from what came of them: those that were logged.
        """
        if self.model is None:
            return None, None
        seed, present = self._world.seed, self.policy
        cart = chosen(decisions(visits.where(visits.carted), orders, now), self.prices, present.cart, seed=seed)
        browse = chosen(decisions(visits.where(~visits.carted), orders, now), self.prices, present.browse, seed=seed)
        self.policy = LoopPolicy(_threshold(cart, present.cart), _threshold(browse, present.browse))
        return cart, browse


def _threshold(found: Curve | str, present: float) -> float:
    recommended = present if isinstance(found, str) else found.recommended
    return NOBODY if recommended > 1.0 else recommended
