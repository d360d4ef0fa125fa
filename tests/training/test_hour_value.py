"""What other hours would have been worth, told from messages whose hour was drawn."""

from dataclasses import replace

import numpy as np
import pytest

from training.hour_value import hour_value, hour_values
from training.send_response import Sends


def some(hour, answered, chance, user=None):
    n = len(hour)
    who = np.arange(n) if user is None else np.array(user)
    answers, days = np.array(answered, dtype=bool), np.zeros(n, dtype=bool)
    return Sends(who, np.arange(n), np.array(hour), np.zeros((n, 24)), answers, np.array(chance), days)


def test_each_message_at_the_hour_stands_for_as_many_as_it_was_improbable():
    sends = some([9, 9, 20, 20], [True, False, True, False], [0.8, 0.8, 0.1, 0.2])
    found = hour_value(sends, np.full(4, 20), np.full((4, 24), 0.25))

    assert found.self_normalised[0] == pytest.approx((10 * 1 + 5 * 0) / 15)
    # What is expected everywhere, and what the two at the hour add: 10 · (1 − .25) + 5 · (0 − .25), of four messages.
    assert found.doubly_robust[0] == pytest.approx(0.25 + (7.5 - 1.25) / 4)
    assert found.effective == pytest.approx(15**2 / (100 + 25))
    assert found.usual == 0.5


def test_messages_of_one_person_tell_less_than_as_many_of_several():
    hours, answers = [20] * 400, [True, True, False, False] * 100
    alone, together = (
        hour_value(some(hours, answers, [0.5] * 400, user), np.full(400, 20), np.full((400, 24), 0.5))
        for user in (range(400), np.arange(400) // 2)
    )

    # Two of a person who always does the same are as good as one: half as many, and an interval wider by a root of two.
    widths = [each.self_normalised[2] - each.self_normalised[1] for each in (alone, together)]
    assert widths[1] / widths[0] == pytest.approx(2**0.5)


def test_of_a_rule_the_best_hour_counts_at_which_a_message_could_go_out():
    random = np.random.default_rng(5)
    n = 20_000
    rate = np.linspace(0.05, 0.4, 24)  # the later, the better
    first = random.integers(0, 19, n)
    hour = first + random.integers(0, 6, n)
    eligible = (np.arange(24) >= first[:, None]) & (np.arange(24) < first[:, None] + 6)
    sends = replace(some(hour, random.random(n) < rate[hour], np.full(n, 1 / 6)), eligible=eligible)

    [value] = hour_values(sends, {"late": np.broadcast_to(rate, (n, 24))})

    # The last of its own six hours, and not 23:00, at which few of them could be sent.
    truth = rate[first + 5].mean()
    for estimate, low, high in (value.self_normalised, value.doubly_robust):
        assert low < truth < high
        assert estimate == pytest.approx(truth, abs=0.02)


def test_where_no_hour_was_drawn_nothing_is_told():
    sends = some([9] * 100, [True] * 100, [np.nan] * 100)

    assert hour_values(sends, {"any": np.ones((100, 24))}) == ()


def test_a_rule_whose_hours_hardly_occurred_has_no_value():
    sends = some([9] * 300 + [20] * 30, [True] * 330, [0.9] * 330)  # 30 are fewer than 200
    scores = np.zeros((330, 24))
    scores[:, 20] = 1.0
    scores[:, 3] = 2.0  # never sent at

    assert hour_values(sends, {"evening": scores}) == ()
    assert [each.rule for each in hour_values(sends, {"morning": np.eye(24)[np.full(330, 9)]})] == ["morning"]
