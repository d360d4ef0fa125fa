"""People who listen at hours of their own, and the messages that were sent to them at hours of somebody else's."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HOURS = 24
COHORT_HOURS = np.array([7.5, 12.5, 20.5])
COHORT_SHARES = np.array([0.3, 0.25, 0.45])
SPREAD_H = 1.8
"""Standard deviation of the people of one cohort around its hour."""
WIDTH_H = 2.0
"""How far from their hour people still listen."""
LEAST_CLICKS, MOST_CLICKS = 0.02, 0.16
ACTIVITY_DAYS = 60
ACTIVE_HOURS = np.array([0.1] * 6 + [0.6] + [1.0] * 16 + [0.5])
STATUS_QUO_HOURS = np.array([9, 10, 11])
STATUS_QUO_SHARES = np.array([0.2, 0.65, 0.15])


@dataclass(frozen=True)
class Listeners:
    """The truth about each person; arrays of shape (people,) but for `clicks`.

    Attributes:
        hour: Of their own day, at which they listen best, in [0, 24).
        clicks: The probability that they click a message sent at each hour, of shape (people, 24).
        activity: How often each was seen in the shop at each hour before, of shape (people, 24).
    """

    hour: Floats
    clicks: Floats
    activity: Ints


@dataclass(frozen=True)
class Sends:
    """Messages and what became of them, in order of time; arrays of shape (sends,).

    Attributes:
        user: Index of the person.
        day: 0 for the first.
        hour: Of the person's own day.
        engaged: Whether they clicked; a machine's clicks are not among them.
        explored: Whether the hour was drawn evenly from all hours.
        propensity: Probability of that hour under the whole way of choosing.
    """

    user: Ints
    day: Ints
    hour: Ints
    engaged: Bools
    explored: Bools
    propensity: Floats


def preferred_hours(people: int, drawn: np.random.Generator) -> Floats:
    """Return an hour for each person, in [0, 24): morning, midday and evening people."""
    cohort = drawn.choice(COHORT_HOURS.size, people, p=COHORT_SHARES)
    return np.asarray((COHORT_HOURS[cohort] + drawn.normal(0, SPREAD_H, people)) % HOURS)


def nearness(hours: Floats, at: Floats) -> Floats:
    """Return how near an hour is to another around the clock: 1 where equal, falling as a bell of `WIDTH_H`."""
    apart = np.abs(hours - at) % HOURS
    return np.asarray(np.exp(-0.5 * (np.minimum(apart, HOURS - apart) / WIDTH_H) ** 2))


def listeners(people: int, *, seed: int) -> Listeners:
    """Return people with the hours at which they listen, and where they were active before any message."""
    drawn = np.random.default_rng([seed, 31])
    hour = preferred_hours(people, drawn)
    near = nearness(hour[:, None], np.arange(HOURS)[None, :].astype(np.float64))
    eagerness = drawn.gamma(4.0, 0.25, (people, 1))
    clicks = np.clip(eagerness * (LEAST_CLICKS + (MOST_CLICKS - LEAST_CLICKS) * near), 0.0, 0.9)
    # Where somebody is about is a hint at when they listen, and no more: half of it is when anybody is awake.
    about = 0.5 * near / near.sum(axis=1, keepdims=True) + 0.5 * ACTIVE_HOURS / ACTIVE_HOURS.sum()
    visits = drawn.gamma(1.0, 0.2 * ACTIVITY_DAYS, (people, 1))
    return Listeners(hour, clicks, drawn.poisson(visits * about))


def sends(who: Listeners, *, days: int, seed: int, a_day: float = 0.15, exploration: float = 0.05) -> Sends:
    """Return the messages of some days, sent around ten in the morning but for the explored ones.

    Args:
        who: Whom they go to.
        days: How many days.
        seed: Of what is drawn here; the people have their own.
        a_day: Messages a person and day.
        exploration: Share of the messages whose hour is drawn evenly from all 24.
    """
    drawn = np.random.default_rng([seed, 32])
    people = len(who.hour)
    n = drawn.poisson(people * days * a_day)
    day = np.sort(drawn.integers(0, days, n))
    user, explored = drawn.integers(0, people, n), drawn.random(n) < exploration
    usual = drawn.choice(STATUS_QUO_HOURS, n, p=STATUS_QUO_SHARES)
    hour = np.where(explored, drawn.integers(0, HOURS, n), usual)
    engaged = drawn.random(n) < who.clicks[user, hour]
    return Sends(user, day, hour, engaged, explored, hour_chances(exploration)[hour])


def hour_chances(exploration: float) -> Floats:
    """Return how likely each hour is to be chosen, of shape (24,)."""
    usual = np.zeros(HOURS)
    usual[STATUS_QUO_HOURS] = STATUS_QUO_SHARES
    return np.asarray((1 - exploration) * usual + exploration / HOURS)
