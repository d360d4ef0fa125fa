from dataclasses import replace

import numpy as np
import pytest

from features.kinds import Kind
from training.shop import Shop
from training.world import World
from training.world_messages import NEWSLETTER, REMINDER, Sends

WORLD = World(20_000, seed=9)


def orders(shop, days, send=None):
    """Return how many orders each person makes in some days of the shop."""
    found = np.zeros(shop.world.users)
    for _ in range(days):
        happened = shop.day(None if send is None else send(shop))
        np.add.at(found, happened.user[happened.kind == Kind.ORDER_COMPLETED], 1)
    return found


def nobody(shop):
    return Sends(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0))


def everybody(shop):
    user = np.flatnonzero(shop.now.subscribed) if shop.next_day % 4 == 0 else np.zeros(0, dtype=np.int64)
    return Sends(user, np.full(user.size, NEWSLETTER), np.full(user.size, 10.0))


def test_messages_persuade_whom_they_persuade_in_truth():
    without, with_them = (orders(Shop(WORLD), 20, send) for send in (nobody, everybody))

    persuadable = Shop(WORLD).people.persuadability > 0.5
    gain = with_them - without
    error = gain.std() / np.sqrt(gain.size / 2)
    assert gain[persuadable].mean() - gain[~persuadable].mean() > 3 * error


def test_the_effect_is_what_the_world_says_of_fresh_messages_and_nothing_for_the_rest():
    shop = Shop(WORLD)
    assert not shop.effect().any()

    sent = everybody(shop)
    shop.day(sent)

    effect, untouched = shop.effect(), np.setdiff1d(np.arange(WORLD.users), sent.user)
    assert effect[sent.user] == pytest.approx(WORLD.effect * shop.people.persuadability[sent.user])
    assert not effect[untouched].any()


def test_the_second_message_in_a_row_does_less():
    shop = Shop(WORLD)
    first, second = (everybody(shop) for _ in range(2))
    shop.day(first)
    after_one = shop.effect()
    still = np.flatnonzero(shop.now.subscribed)
    second = Sends(still, np.full(still.size, NEWSLETTER), np.full(still.size, 10.0))
    shop.day(second)

    again = np.intersect1d(first.user, still)
    persuaded = again[shop.people.persuadability[again] > 0]
    assert (shop.effect()[persuaded] < after_one[persuaded]).all()


def test_the_status_quo_sends_on_tuesdays_and_where_a_cart_was_left():
    shop = Shop(WORLD)
    monday = shop.usual_sends()
    shop.day()
    left = np.flatnonzero(shop.now.subscribed & (shop.now.cart > 0))
    tuesday = shop.usual_sends()

    assert monday.user.size == 0
    assert tuesday.user.size == shop.now.subscribed.sum()
    assert tuesday.user[tuesday.campaign == REMINDER].tolist() == left.tolist()


def test_who_unsubscribed_gets_no_further_message():
    shop = Shop(replace(WORLD, users=50))
    shop.now.subscribed[:] = True
    shop.now.subscribed[7] = False

    with pytest.raises(ValueError, match="subscribed"):
        shop.day(Sends(np.array([7]), np.array([NEWSLETTER]), np.array([10.0])))


def test_nobody_gets_two_messages_in_a_day():
    shop = Shop(replace(WORLD, users=50))
    shop.now.subscribed[:] = True

    with pytest.raises(ValueError, match="once"):
        shop.day(Sends(np.array([7, 7]), np.array([NEWSLETTER] * 2), np.array([10.0, 11.0])))


def test_what_happens_comes_in_order_of_time():
    happened = Shop(WORLD).day()

    assert (np.diff(happened.at) >= 0).all()


def test_a_cart_is_empty_after_the_order():
    shop = Shop(WORLD)
    happened = shop.day()

    buyers = happened.user[happened.kind == Kind.ORDER_COMPLETED]
    assert buyers.size > 50
    assert not shop.now.cart[buyers].any()


def test_a_message_to_one_person_changes_nothing_that_another_does():
    def even_ones(shop):
        sent = everybody(shop)
        return Sends(*(each[sent.user % 2 == 0] for each in (sent.user, sent.campaign, sent.hour)))

    left_alone, written_to = Shop(WORLD), Shop(WORLD)
    for _ in range(9):
        without, with_them = left_alone.day(nobody(left_alone)), written_to.day(even_ones(written_to))

        others = [each.take(each.user % 2 == 1) for each in (without, with_them)]
        assert all((one == other).all() for one, other in zip(*(vars(each).values() for each in others), strict=True))
        assert len(with_them) != len(without)
