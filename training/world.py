"""A made-up world with known truth: its people, and how likely each of them is to do something."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from training.world_hours import preferred_hours

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Tokyo")
ZONE_SHARES = (0.4, 0.2, 0.2, 0.12, 0.08)
WEEKDAY_PACE = np.array([1.0, 0.95, 0.95, 1.0, 1.05, 1.2, 1.3])
MONDAY = date(2026, 1, 5)
CART_LOG_ODDS, ORDER_LOG_ODDS, OPEN_LOG_ODDS = -2.2, -2.3, -0.6


@dataclass(frozen=True)
class World:
    """What is true of a made-up shop; every figure may be set.

    Attributes:
        users: How many people there are.
        seed: The same seed gives the same world, to the last event.
        begins: The first day, in UTC.
        products: How many there are to look at.
        visits_a_day: Of the average person.
        effect: What a message adds to the log-odds of ordering of somebody wholly persuadable and not tired.
        persuadable: Share of the people whom a message persuades at all; some of the others it puts off.
        contrary: By how much persuadability falls with each log-odds of intent: who buys anyway is put off.
        tiring: By how much each message of the last days weakens the next one (log scale).
        machine_opens: Share of the people whose mail program opens everything at once.
        scanned: Share of the people whose employer's scanner clicks every link.
        late: Share of the events that arrive up to three days late.
        duplicates: Share of the events that are sent twice.
    """

    users: int
    seed: int = 1
    begins: date = MONDAY
    products: int = 400
    visits_a_day: float = 0.12
    effect: float = 1.2
    persuadable: float = 0.5
    contrary: float = 0.0
    tiring: float = 0.25
    machine_opens: float = 0.35
    scanned: float = 0.06
    late: float = 0.02
    duplicates: float = 0.01

    def random(self, stream: int, step: int = 0) -> np.random.Generator:
        """Return the draws of one purpose at one step: what another purpose draws does not move them."""
        return np.random.default_rng([self.seed, stream, step])


@dataclass(frozen=True)
class People:
    """What is true of each person for good; arrays of shape (users,).

    Attributes:
        zone: Index into `ZONES`.
        hour: Of their own day, when they are mostly about, in [0, 24).
        pace: Visits on an average day.
        intent: How inclined to buy, in log-odds; 0 is average.
        persuadability: What a message does to that inclination, as a share of the world's effect; may be negative.
        impatience: How easily messages make them unsubscribe; 1 is average.
        machine_opens: Their mail program opens everything.
        scanned: A scanner clicks what they get.
        taste: The product they look at most.
    """

    zone: Ints
    hour: Floats
    pace: Floats
    intent: Floats
    persuadability: Floats
    impatience: Floats
    machine_opens: Bools
    scanned: Bools
    taste: Ints


def people(world: World) -> People:
    """Return the people of a world."""
    drawn, n = world.random(1), world.users
    persuaded = drawn.random(n) < world.persuadable
    zone, hour = drawn.choice(len(ZONES), n, p=ZONE_SHARES), preferred_hours(n, drawn)
    pace, intent = drawn.gamma(1.2, world.visits_a_day / 1.2, n), drawn.normal(0, 0.8, n)
    # Drawn apart from the intent: who buys anyway is not who can be persuaded.
    persuadability = np.where(persuaded, drawn.uniform(0.5, 1.5, n), drawn.uniform(-0.3, 0.1, n))
    return People(
        zone=zone,
        hour=hour,
        pace=pace,
        intent=intent,
        persuadability=persuadability - world.contrary * intent,
        impatience=drawn.gamma(2.0, 0.5, n),
        machine_opens=drawn.random(n) < world.machine_opens,
        scanned=drawn.random(n) < world.scanned,
        taste=drawn.integers(0, world.products, n),
    )


def order_log_odds(inclination: Floats, effect: Floats) -> Floats:
    """Return the log-odds that a visit with a cart ends in an order.

    Args:
        inclination: The person's intent plus their present interest, in log-odds.
        effect: What messages add; 0 for who got none.
    """
    return ORDER_LOG_ODDS + inclination + effect


def message_effect(world: World, persuadability: Floats, tiredness: Floats) -> Floats:
    """Return what a message adds to the log-odds of ordering of people who had `tiredness` messages lately."""
    return world.effect * persuadability * np.exp(-world.tiring * tiredness)


def chance(log_odds: Floats) -> Floats:
    """Return the probability of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)
