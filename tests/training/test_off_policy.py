from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.decisions import Decisions, Prices
from training.off_policy import (
    Unanswerable,
    doubly_robust,
    effective_size,
    estimates,
    expected_rewards,
    folds,
    interval,
    resampled,
    weights,
)
from training.world_decisions import PRICES, logged, moments, worth

AT = moments("even", 6000, seed=3)
LOG = logged(AT, threshold=0.2, hold_out=0.1, exploration=0.1, seed=3)


@pytest.fixture(scope="module")
def expected():
    return expected_rewards(LOG, PRICES)


def four(sent, chance, ordered):
    n = len(sent)
    return Decisions(
        user=np.arange(n),
        score=np.linspace(0.1, 0.9, n),
        features=np.zeros((n, 1)),
        sent=np.array(sent),
        chance=np.array(chance),
        ordered=np.array(ordered),
        unsubscribed=np.zeros(n, dtype=bool),
    )


def many(log, times):
    rows = np.tile(np.arange(len(log)), times)
    return replace(log.where(rows), user=np.arange(rows.size))


def test_what_a_decision_earns_is_its_order_less_its_costs():
    log = replace(
        four([True, True, False], [0.5] * 3, [True, False, True]), unsubscribed=np.array([False, True, False])
    )

    assert log.rewards(Prices(order=20, contact=0.5, unsubscribe=8)).tolist() == [19.5, -8.5, 20.0]


def test_a_decision_stands_for_as_many_as_its_chance_says_and_for_none_where_the_policy_does_otherwise():
    log = many(four([True, True, False, False], [0.9, 0.1, 0.9, 0.1], [True] * 4), 500)

    found = weights(log, np.tile([True, True, True, False], 500))

    assert found[:4] == pytest.approx([1 / 0.9, 10, 0, 1 / 0.9])


def test_the_three_estimates_are_those_of_the_textbook():
    # Two rows agree with the policy: weights 2 and 4, rewards 10 and 0.
    log = many(four([True, True, False, False], [0.5, 0.25, 0.5, 0.25], [True, False, True, True]), 500)
    send, prices = np.ones(2000, dtype=bool), Prices(order=10, contact=0, unsubscribe=0)
    expected = np.tile([3.0, 5.0], (2000, 1))

    found = estimates(log, send, prices, expected)

    assert found.weighted == pytest.approx((2 * 10 + 4 * 0) / 4)
    assert found.self_normalised == pytest.approx((2 * 10 + 4 * 0) / (2 + 4))
    assert found.doubly_robust == pytest.approx(5 + (2 * (10 - 5) + 4 * (0 - 5)) / 4)


def test_what_was_never_done_cannot_be_judged():
    log = logged(AT, threshold=0.2, hold_out=0.1, exploration=0.0, seed=3)
    changed = int(((AT.score >= 0.1) & (AT.score < 0.2)).sum())

    with pytest.raises(
        Unanswerable, match=f"{changed:,} decisions would be changed where nothing was ever sent by chance"
    ):
        weights(log, log.score >= 0.1)


def test_without_a_hold_out_a_higher_threshold_cannot_be_judged_either():
    log = logged(AT, threshold=0.2, hold_out=0.0, exploration=0.1, seed=3)

    with pytest.raises(Unanswerable, match="nothing was ever withheld by chance"):
        weights(log, log.score >= 0.3)


def test_a_decision_that_would_stand_for_more_than_fifty_is_no_answer():
    log = logged(AT, threshold=0.2, hold_out=0.1, exploration=0.019, seed=3)

    with pytest.raises(Unanswerable, match="one decision would stand for 53, more than 50"):
        weights(log, log.score >= 0.1)


def test_fewer_than_five_hundred_effective_decisions_are_no_answer():
    with pytest.raises(Unanswerable, match="the log is worth 4 decisions of this policy, 500 are needed"):
        weights(four([True] * 4, [0.5] * 4, [True] * 4), np.ones(4, dtype=bool))


def test_thousands_of_decisions_of_a_few_people_are_no_answer():
    log = many(four([True, True, False, False], [0.5] * 4, [True, False, True, False]), 500)
    send = np.ones(len(log), dtype=bool)

    assert weights(log, send).sum() == len(log)
    with pytest.raises(Unanswerable, match="the log is worth 30 people of this policy, 50 are needed"):
        weights(replace(log, user=log.user % 60), send)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=30))
def test_the_effective_size_is_the_number_of_equal_weights_and_less_of_unequal_ones(drawn):
    assert effective_size(np.full(len(drawn), drawn[0])) == pytest.approx(len(drawn))
    assert effective_size(np.array(drawn)) <= len(drawn) * (1 + 1e-9)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.2, 0.4])
def test_the_estimates_find_what_a_policy_earns_in_truth(threshold, expected):
    send = LOG.score >= threshold
    rows = doubly_robust(LOG, send, weights(LOG, send), LOG.rewards(PRICES), expected)
    error = resampled(rows[:, None], LOG.user).std()

    found = estimates(LOG, send, PRICES, expected)

    assert found.doubly_robust == pytest.approx(worth(AT, send), abs=4 * error)
    assert found.self_normalised == pytest.approx(worth(AT, send), abs=6 * error)


def test_a_model_that_is_wrong_does_not_mislead_as_the_chances_are_right(expected):
    send = LOG.score >= 0.1
    wrong = expected + np.array([7.0, -7.0])
    rows = doubly_robust(LOG, send, weights(LOG, send), LOG.rewards(PRICES), wrong)
    error = resampled(rows[:, None], LOG.user).std()

    assert rows.mean() == pytest.approx(worth(AT, send), abs=4 * error)


def test_a_model_makes_the_interval_narrower_than_weights_alone(expected):
    send = LOG.score >= 0.1
    found, rewards = weights(LOG, send), LOG.rewards(PRICES)

    with_model = doubly_robust(LOG, send, found, rewards, expected)
    assert with_model.std() < (found * rewards).std()


def test_nobody_is_judged_by_a_model_that_saw_them():
    parts = folds(LOG.user, seed=0)

    for user in np.unique(LOG.user)[:200]:
        assert np.unique(parts[LOG.user == user]).size == 1
    assert set(parts.tolist()) == {0, 1, 2, 3, 4}


def test_rows_of_one_person_count_as_one():
    values, user = np.random.default_rng(1).normal(size=500), np.arange(500)
    alone = resampled(values[:, None], user).std()

    thrice = resampled(np.repeat(values, 3)[:, None], np.repeat(user, 3)).std()

    assert thrice == pytest.approx(alone, rel=1e-9)
    assert alone == pytest.approx(values.std() / np.sqrt(500), rel=0.1)


def test_an_interval_holds_the_share_that_was_asked_for():
    assert interval(5.0, np.arange(101.0), level=0.9) == pytest.approx((5.0, 5.0, 95.0))
