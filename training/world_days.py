"""What changes in a made-up world from day to day, and what happened in it, as columns."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from features.kinds import Kind
from features.moments import SECOND_US
from training.world import ZONES, Bools, Floats, Ints, People, World, message_effect

NEVER = np.iinfo(np.int64).max
EFFECT_DAYS = 2
A_PERSON, A_MAIL_PROGRAM, A_SCANNER = 0, 1, 2


@dataclass(frozen=True)
class Happenings:
    """What happened; arrays of shape (events,), in no particular order.

    Attributes:
        user: Index of the person.
        at: Moment, in microseconds.
        kind: A `Kind`.
        product: Index of a product; 0 where there is none.
        amount: Price or worth; 0 where there is none.
        about: Number of the message, of the cart or of the order.
        machine: `A_PERSON`, `A_MAIL_PROGRAM` or `A_SCANNER` did it.
    """

    user: Ints
    at: Ints
    kind: Ints
    product: Ints
    amount: Floats
    about: Ints
    machine: Ints

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Ints | Bools) -> "Happenings":
        """Return these rows, in this order."""
        return Happenings(**{name: values[rows] for name, values in vars(self).items()})


def happened(
    kind: Kind,
    user: Ints,
    at: Ints,
    product: Ints | int = 0,
    amount: Floats | float = 0.0,
    about: Ints | int = 0,
    machine: int = A_PERSON,
) -> Happenings:
    """Return one kind of event of several people; what is not an array is the same for all of them."""
    columns = [np.broadcast_to(np.asarray(each), user.size) for each in (int(kind), product, amount, about, machine)]
    return Happenings(user, at, *columns)


def together(parts: list[Happenings]) -> Happenings:
    """Return what happened in order of time."""
    columns = zip(*(vars(each).values() for each in parts), strict=True)
    found = Happenings(*(np.concatenate(each) for each in columns))
    return found.take(np.argsort(found.at, kind="stable"))


@dataclass
class Present:
    """What changes from day to day; arrays of shape (users,).

    Attributes:
        interest: Present interest in buying, in log-odds around 0.
        cart: Worth of the open cart; 0 without one.
        cart_product: What is in it.
        cart_day: The day on which something was last put in.
        tiredness: Messages of late, each less with every day.
        messaged: The day of the last message; far in the past for none.
        subscribed: Whether messages may be sent.
        known_from: Since when they have told who they are, in microseconds.
        orders: How many so far.
    """

    interest: Floats
    cart: Floats
    cart_product: Ints
    cart_day: Ints
    tiredness: Floats
    messaged: Ints
    subscribed: Bools
    known_from: Ints
    orders: Ints


def present(world: World) -> Present:
    """Return how everybody is on the morning of the first day: half of them are customers already."""
    drawn, n = world.random(2), world.users
    customer = drawn.random(n) < 0.5
    return Present(
        interest=drawn.normal(0, 1, n),
        cart=np.zeros(n),
        cart_product=np.zeros(n, dtype=np.int64),
        cart_day=np.full(n, -99),
        tiredness=np.zeros(n),
        messaged=np.full(n, -99),
        subscribed=customer & (drawn.random(n) < 0.8),
        known_from=np.where(customer, 0, NEVER),
        orders=np.zeros(n, dtype=np.int64),
    )


def effect_today(world: World, who: People, now: Present, day: int) -> Floats:
    """Return what messages add to the log-odds of ordering of each person today: the truth a report has to find."""
    fresh = day - now.messaged < EFFECT_DAYS
    return np.where(fresh, message_effect(world, who.persuadability, np.maximum(now.tiredness - 1.0, 0.0)), 0.0)


def midnights(world: World, who: People, day: int) -> Ints:
    """Return when a day begins for each person, in microseconds: by the clocks of their zones, of shape (users,)."""
    begins = world.begins + timedelta(days=day)
    moments = [datetime(begins.year, begins.month, begins.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in ZONES]
    return np.array([round(each.timestamp()) * SECOND_US for each in moments])[who.zone]
