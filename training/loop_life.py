"""Days of a made-up shop under policies: who is asked about, who is written to, and what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from features.kinds import Kind
from policy.arms import CONTROL, hold_out
from training.decisions import Prices
from training.loop_memory import Memory
from training.loop_policy import NO_TRIAL, LoopPolicy, Scorer, Trial
from training.loop_shop import LoopShop
from training.world import Bools, Floats, Ints, World
from training.world_days import Happenings
from training.world_draws import Draws

COOL_DOWN_DAYS = np.array([7, 2])
"""Of other visits and of carts, as the shipped `triggers.yaml` has them: `viewed-not-bought`, `cart-abandoned`."""
EXPLORED = 11
"""The stream of draws of who is written to below the threshold."""


@dataclass(frozen=True)
class Visits:
    """Visits that ended without an order, half an hour later; arrays of shape (n,) but for `features`.

    Attributes:
        user: Whose.
        day: On which day.
        at: When, in microseconds.
        carted: Whether something was put into the cart: which of the two triggers asks.
        asked: Whether a trigger asked: the others could not be written to, or a message had just been fired.
        score: By the model in service; NaN where there was none, and where no trigger asked.
        features: As they were known, of shape (n, features of the catalogue).
        chance: With what probability a message was to be sent.
        sent: Whether it was.
        unsubscribed: Whether the person unsubscribed by it.
    """

    user: Ints
    day: Ints
    at: Ints
    carted: Bools
    asked: Bools
    score: Floats
    features: Floats
    chance: Floats
    sent: Bools
    unsubscribed: Bools

    def __len__(self) -> int:
        return len(self.user)

    def where(self, chosen: Bools | Ints) -> "Visits":
        """Return the chosen rows."""
        return Visits(**{name: values[chosen] for name, values in vars(self).items()})


def joined(parts: Sequence[Visits]) -> Visits:
    """Return all rows of several days."""
    columns = zip(*(vars(each).values() for each in parts), strict=True)
    return Visits(*(np.concatenate(each) for each in columns))


@dataclass
class Account:
    """What each person came to; arrays of shape (users,)."""

    orders: Ints
    sent: Ints
    unsubscribed: Ints

    @classmethod
    def opened(cls, users: int) -> "Account":
        """Return one of nothing."""
        return cls(*(np.zeros(users, dtype=np.int64) for _ in range(3)))

    def profit(self, prices: Prices) -> Floats:
        """Return what each person earned, of shape (users,)."""
        lost = prices.contact * self.sent + prices.unsubscribe * self.unsubscribed
        return np.asarray(prices.order * self.orders - lost, dtype=np.float64)


@dataclass
class Life:
    """A shop in motion with the memory of it.

    Attributes:
        shop: Where the people are.
        memory: What is known of them.
        fired: The day on which a message was last sent or withheld, far in the past for never; of shape (2, users):
            after other visits, and after a cart.
        ordered: Every order so far: by whom, and when (µs).
    """

    shop: LoopShop
    memory: Memory
    fired: Ints
    ordered: list[Happenings] = field(default_factory=list)

    @classmethod
    def begun(cls, world: World) -> "Life":
        """Return the first morning."""
        shop = LoopShop(world)
        return cls(shop, Memory.of_nothing(world, shop.people), np.full((2, world.users), -99))

    def fork(self, seed: int) -> "Life":
        """Return the same morning, with days to come that are drawn by `seed`."""
        return Life(self.shop.fork(seed), self.memory.fork(), self.fired.copy())

    def day(
        self,
        policies: Sequence[LoopPolicy],
        arm: Ints,
        account: Account,
        model: Scorer | None = None,
        trial: Trial = NO_TRIAL,
    ) -> Visits:
        """Let a day pass in which each person is under the policy of their arm, and return what was decided."""
        shop, day = self.shop, self.shop.next_day
        did, idle = shop.come()
        self.memory.hear(did)
        which, user = idle.carted.astype(np.int64), idle.user
        asked = idle.reachable & (day - self.fired[which, user] >= COOL_DOWN_DAYS[which])
        features = self.memory.known(user, idle.at, day)
        score = np.full(user.size, np.nan)
        if model is not None and asked.any():
            score[asked] = model.predict(features[asked])
        wants = asked & _wanted(policies, arm[user], idle.carted, score)
        chance, sent = self._drawn(user, asked, wants, trial)
        # What was withheld cools down like what was sent, so that the arms stay alike.
        fired = wants | sent
        self.fired[which[fired], user[fired]] = day
        followed = shop.write(user[sent], idle.at[sent])
        self.memory.hear(followed)
        left = np.isin(user, followed.user[followed.kind == Kind.UNSUBSCRIBED])
        self._book(account, did, followed, user[sent], user[left])
        shop.night()
        days = np.full(user.size, day)
        return Visits(user, days, idle.at, idle.carted, asked, score, features, chance, sent, left)

    def _drawn(self, user: Ints, asked: Bools, wants: Bools, trial: Trial) -> tuple[Floats, Bools]:
        """Return the chance of a message to each of these people, and whether it is sent."""
        shop = self.shop
        explored = Draws(shop.world, EXPLORED, shop.next_day, user).uniform() < trial.exploration
        split = hold_out("closed-loop", trial.hold_out)
        held = np.array([split.assign(f"sim-{each}").arm == CONTROL for each in user.tolist()], dtype=np.bool_)
        chance = np.where(wants, 1.0 - trial.hold_out, asked * trial.exploration)
        return chance, np.where(wants, ~held, asked & explored)

    def _book(self, account: Account, did: Happenings, followed: Happenings, sent: Ints, left: Ints) -> None:
        for each in (did, followed):
            orders = each.take(each.kind == Kind.ORDER_COMPLETED)
            np.add.at(account.orders, orders.user, 1)
            self.ordered.append(orders)
        account.sent[sent] += 1
        account.unsubscribed[left] += 1


def _wanted(policies: Sequence[LoopPolicy], arm: Ints, carted: Bools, score: Floats) -> Bools:
    each = np.array([policy.wants(carted, score) for policy in policies], dtype=np.bool_)
    return each.reshape(len(policies), -1)[arm, np.arange(arm.size)]
