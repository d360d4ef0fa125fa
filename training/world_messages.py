"""Messages of a made-up world: the calendar of the status quo, and what becomes of each message."""

from dataclasses import dataclass

import numpy as np

from features.kinds import Kind
from features.moments import HOUR_US, SECOND_US
from training.world import OPEN_LOG_ODDS, Bools, Floats, Ints, People, World, chance
from training.world_days import A_MAIL_PROGRAM, A_PERSON, A_SCANNER, Happenings, Present, happened
from training.world_draws import Draws
from training.world_hours import nearness

NEWSLETTER, REMINDER = 1, 2
CAMPAIGNS = {NEWSLETTER: "weekly-newsletter", REMINDER: "cart-reminder"}
TUESDAY, USUAL_HOUR = 1, 10.0
UNSUBSCRIBE_RATE = 0.002


@dataclass(frozen=True)
class Sends:
    """Messages of one day; arrays of shape (sends,), at most one message a person.

    Attributes:
        user: Index of the person, ascending.
        campaign: A key of `CAMPAIGNS`.
        hour: Of the person's own day.
    """

    user: Ints
    campaign: Ints
    hour: Floats


def calendar(now: Present, day: int, weekday: int) -> Sends:
    """Return what the status quo sends: a newsletter on Tuesdays, and reminders of carts left the day before."""
    left = now.subscribed & (now.cart > 0) & (now.cart_day == day - 1)
    news = now.subscribed & ~left if weekday == TUESDAY else np.zeros_like(left)
    user = np.flatnonzero(left | news)
    return Sends(user, np.where(left[user], REMINDER, NEWSLETTER), np.full(user.size, USUAL_HOUR))


@dataclass(frozen=True)
class Clicks:
    """Who clicked, and when (µs); arrays of shape (clicks,)."""

    user: Ints
    at: Ints


def deliver(
    world: World, who: People, now: Present, sends: Sends, midnight: Ints, day: int
) -> tuple[list[Happenings], Clicks]:
    """Send a day's messages within half an hour of theirs, and return what became of them; `now` is changed.

    Args:
        world: What is true.
        who: Whom they go to.
        now: How everybody is.
        sends: Which messages.
        midnight: When the day begins for each person, in microseconds, of shape (users,).
        day: 0 for the first.
    """
    late = (1800 * Draws(world, 8, day, sends.user).uniform()).astype(np.int64)
    at = midnight[sends.user] + (sends.hour * HOUR_US).astype(np.int64) + late * SECOND_US
    return arrive(world, who, now, sends, at, day)


def arrive(
    world: World, who: People, now: Present, sends: Sends, at: Ints, day: int
) -> tuple[list[Happenings], Clicks]:
    """Let messages arrive at these moments (µs) of a day, and return what becomes of them; `now` is changed."""
    user, n = sends.user, sends.user.size
    drawn = Draws(world, 3, day, user)
    near = nearness(who.hour[user], sends.hour)
    opened, clicked, left = _responses(world, who, now, user, near, drawn)
    open_at = at + (2.0 * drawn.exponential() * HOUR_US * (1.5 - near)).astype(np.int64)
    click_at = open_at + (5 + 85 * drawn.uniform()).astype(np.int64) * SECOND_US
    everybody = np.ones(n, dtype=np.bool_)
    parts: list[tuple[Kind, Bools, Ints, int]] = [
        (Kind.EMAIL_DELIVERED, everybody, at, A_PERSON),
        (Kind.EMAIL_OPENED, who.machine_opens[user], at + 20 * SECOND_US, A_MAIL_PROGRAM),
        (Kind.EMAIL_OPENED, opened, open_at, A_PERSON),
        (Kind.EMAIL_CLICKED, who.scanned[user], at + 3 * SECOND_US, A_SCANNER),
        (Kind.EMAIL_CLICKED, clicked, click_at, A_PERSON),
        (Kind.UNSUBSCRIBED, left, click_at + 60 * SECOND_US, A_PERSON),
    ]
    about = (day * world.users + user) * len(CAMPAIGNS) + sends.campaign - 1
    now.tiredness[user] += 1.0
    now.messaged[user] = day
    now.subscribed[user[left]] = False
    return [
        happened(kind, user[chosen], moment[chosen], about=about[chosen], machine=machine)
        for kind, chosen, moment, machine in parts
    ], Clicks(user[clicked], click_at[clicked])


def _responses(
    world: World, who: People, now: Present, user: Ints, near: Floats, drawn: Draws
) -> tuple[Bools, Bools, Bools]:
    """Return who opens, clicks and unsubscribes, of shape (sends,) each."""
    interest, tiredness = now.interest[user], now.tiredness[user]
    opened = drawn.uniform() < chance(OPEN_LOG_ODDS + 1.2 * (near - 0.5) + 0.4 * interest - 0.25 * tiredness)
    persuaded = chance(-1.6 + 0.8 * who.persuadability[user] + 0.3 * interest)
    clicked = opened & (drawn.uniform() < persuaded)
    left = drawn.uniform() < UNSUBSCRIBE_RATE * who.impatience[user] * (1 + world.tiring * 4 * tiredness) ** 2
    return opened, clicked, left
