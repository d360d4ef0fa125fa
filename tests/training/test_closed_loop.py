from datetime import timedelta

import numpy as np
import pytest

from training.closed_loop import live
from training.loop_learning import stands_for
from training.loop_life import Visits
from training.loop_policy import CART_RULE, NOBODY, LoopPolicy
from training.world import World

DAY = 86_400_000_000


def visits(*rows):
    """Return visits of (user, day, chance, sent)."""
    user, day, chance, sent = (np.array(each) for each in zip(*rows, strict=True))
    nothing, no = np.zeros(len(user)), np.zeros(len(user), dtype=bool)
    return Visits(user, day, day * DAY, no, chance > 0, nothing, np.zeros((len(user), 1)), chance, sent, no)


def test_what_was_withheld_stands_for_those_who_were_written_to():
    found = stands_for(visits((1, 0, 0.9, False), (2, 0, 0.9, True), (3, 0, 0.0, False)), timedelta(days=2))

    assert found == pytest.approx([10.0, 0.0, 1.0])


def test_a_message_within_two_days_before_or_after_leaves_nothing_to_learn_from():
    rows = visits((1, 0, 0.1, False), (1, 2, 0.9, True), (1, 4, 0.0, False), (1, 5, 0.0, False), (2, 2, 0.0, False))

    assert stands_for(rows, timedelta(days=2)) == pytest.approx([0.0, 0.0, 0.0, 1.0, 1.0])


def test_two_messages_withheld_near_each_other_multiply():
    found = stands_for(visits((1, 0, 0.5, False), (1, 1, 0.9, False)), timedelta(days=2))

    assert found == pytest.approx([20.0, 20.0])


def test_the_cart_rule_asks_no_model_and_a_threshold_does():
    carted, score = np.array([True, False, True, False]), np.array([np.nan, np.nan, 0.1, 0.3])

    assert CART_RULE.wants(carted, score).tolist() == [True, False, True, False]
    assert LoopPolicy(0.2, 0.2).wants(carted, score).tolist() == [False, False, False, True]
    assert LoopPolicy(NOBODY, NOBODY).wants(carted, score).tolist() == [False] * 4


def test_too_few_people_teach_nothing_so_the_rule_stays_and_is_worth_what_it_is_worth():
    story = live(World(800, seed=3))

    assert story.policy == CART_RULE
    assert story.tried is None
    assert story.gain("learned") == (0.0, 0.0)
    rule, nothing = story.truths["rule"], story.truths["none"]
    prices = story.prices
    earned = prices.order * (rule.orders - nothing.orders)
    lost = prices.contact * rule.sent + prices.unsubscribe * rule.unsubscribed
    assert nothing.sent == 0 < rule.sent < story.truths["always"].sent
    assert story.gain("rule", "none")[0] == pytest.approx(1000 * (earned - lost) / nothing.people)
    carted = story.visits.carted & story.visits.asked
    assert set(np.unique(story.visits.chance[carted])) == {0.9}
