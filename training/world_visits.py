"""Visits of a made-up world: who comes and when, what they look at, put into the cart and order."""

import numpy as np

from features.kinds import Kind
from features.moments import HOUR_US, SECOND_US
from training.world import CART_LOG_ODDS, WEEKDAY_PACE, Bools, Floats, Ints, People, World, chance, order_log_odds
from training.world_days import Happenings, Present, effect_today, happened
from training.world_draws import Draws

MOST_VIEWS = 12


def visits_today(world: World, who: People, now: Present, weekday: int, midnight: Ints, day: int) -> tuple[Ints, Ints]:
    """Return who visits by themselves today, and when (µs)."""
    comes = world.random(5, day).random(world.users) < 1 - np.exp(
        -who.pace * WEEKDAY_PACE[weekday] * np.exp(0.5 * now.interest)
    )
    user = np.flatnonzero(comes)
    drawn = Draws(world, 9, day, user)
    usual = who.hour[user] + 1.5 * drawn.normal()
    hour = np.where(drawn.uniform() < 0.75, usual, 7 + 16 * drawn.uniform()) % 24
    return user, midnight[user] + (hour * HOUR_US).astype(np.int64)


def visit(
    world: World, who: People, now: Present, user: Ints, at: Ints, day: int, *, stream: int = 4
) -> list[Happenings]:
    """Let people, each once, come to the shop at moments in microseconds, and return what they do; `now` is changed.

    `stream` is of what they draw: another one for a second visit on the same day.
    """
    drawn, n = Draws(world, stream, day, user), user.size
    inclination = who.intent[user] + now.interest[user]
    more = np.cumsum(drawn.exponential(MOST_VIEWS), axis=1) < 1.5 * np.exp(0.3 * now.interest[user])[:, None]
    views = np.minimum(1 + more.sum(axis=1), MOST_VIEWS)
    times = at[:, None] + (np.cumsum(45.0 * drawn.exponential(MOST_VIEWS), axis=1) * SECOND_US).astype(np.int64)
    wandering = (world.products * drawn.uniform(MOST_VIEWS) ** 2).astype(np.int64)
    product = np.where(drawn.uniform(MOST_VIEWS) < 0.4, who.taste[user][:, None], wandering)
    seen = np.arange(MOST_VIEWS)[None, :] < views[:, None]
    rows, _ = np.nonzero(seen)
    looked = happened(Kind.PRODUCT_VIEWED, user[rows], times[seen], product[seen], prices(product[seen]))
    last, ended = product[np.arange(n), views - 1], times[np.arange(n), views - 1]
    chosen = drawn.uniform() < chance(CART_LOG_ODDS + inclination)
    added = _put(world, now, user[chosen], last[chosen], ended[chosen] + 20 * SECOND_US, day)
    wants = drawn.uniform() < chance(order_log_odds(inclination, effect_today(world, who, now, day)[user]))
    bought = (now.cart[user] > 0) & wants
    starts = bought | ((now.cart[user] > 0) & (drawn.uniform() < 0.2))
    started = _of_carts(world, now, Kind.CHECKOUT_STARTED, user[starts], ended[starts] + 60 * SECOND_US)
    ordered = _of_carts(world, now, Kind.ORDER_COMPLETED, user[bought], ended[bought] + 150 * SECOND_US)
    _settle(now, user[bought], drawn.uniform()[bought] < 0.3)
    return [looked, added, started, ordered]


def prices(product: Ints) -> Floats:
    """Return the price of each product, of shape (n,): from 6 to 60, most of them low."""
    return np.round(6.0 + 54.0 * ((product * 7919 % 97) / 97.0) ** 2, 2)


def _put(world: World, now: Present, user: Ints, product: Ints, at: Ints, day: int) -> Happenings:
    """Put a product into each one's cart; who does so for the first time says who they are."""
    now.cart[user] += prices(product)
    now.cart_product[user], now.cart_day[user] = product, day
    now.known_from[user] = np.minimum(now.known_from[user], at - SECOND_US)
    return happened(Kind.PRODUCT_ADDED, user, at, product, prices(product), day * world.users + user)


def _of_carts(world: World, now: Present, kind: Kind, user: Ints, at: Ints) -> Happenings:
    about = now.cart_day[user] * world.users + user
    return happened(kind, user, at, now.cart_product[user], now.cart[user], about)


def _settle(now: Present, buyers: Ints, agrees: Bools) -> None:
    """Empty the carts of who bought; they want less for a while, and some agree to mail by that."""
    now.cart[buyers] = 0.0
    now.orders[buyers] += 1
    now.interest[buyers] -= 1.5
    now.subscribed[buyers[agrees]] = True
