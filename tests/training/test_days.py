"""Hours are told by the kind of day only where that says surely better what people did on later days."""

import numpy as np
import pytest

from models.days import given_the_day
from tests.models.hours import EVERYBODY, OWLS, a_day
from training.days import LEAST, alike, by_day, choose, on_both
from training.habits import Habits
from training.send_hour_judge import losses

LATE = a_day((14, 3.0), (22, 5.0))
"""A Saturday on which people get up late."""


def active(days, people=400, *, hours=40, seed=0):
    """In how many hours of working days and of weekends each was active, who spends them like this."""
    random = np.random.default_rng(seed)
    kinds = (random.multinomial(count, each, people) for each, count in zip(days, (5 * hours, 2 * hours), strict=True))
    return np.stack([*kinds], axis=1) / 1.0


def chosen(before, after):
    users = np.arange(len(after))
    people = Habits(users, before.sum(axis=1), before.sum(axis=(1, 2)).astype(int), before, after)
    return choose(np.broadcast_to(any_day(before), (len(after), 24)), before, people)


def any_day(before):
    found = before.sum(axis=(0, 1))
    return found / found.sum()


def test_the_factor_is_the_share_of_the_day_beside_that_of_any_day():
    before = active([EVERYBODY, LATE], people=2000)
    mixed = (5.0 * EVERYBODY + 2.0 * LATE) / 7.0
    found = by_day(before)

    np.testing.assert_allclose(found, [EVERYBODY / mixed, LATE / mixed], rtol=0.06)
    for kind, expected in enumerate((EVERYBODY, LATE)):
        np.testing.assert_allclose(given_the_day(mixed[None, :], found, np.array(bool(kind)))[0], expected, rtol=0.06)


def test_one_who_never_sleeps_does_not_make_everybodys_weekend():
    robot = np.zeros((1, 2, 24))
    robot[0, 1, 4] = 1e6

    crowd = active([EVERYBODY, LATE], people=2000)
    found = by_day(np.concatenate([crowd, robot]))

    # Fifty hours among six thousand at that time of the day, and not a million.
    np.testing.assert_allclose(found, by_day(crowd), rtol=0.15)


def test_an_hour_of_which_nothing_is_known_is_on_any_day_alike():
    nobody = np.zeros((1, 2, 24))

    np.testing.assert_allclose(by_day(nobody), np.ones((2, 24)))


def test_where_weekends_differ_they_are_told_apart_and_both_kinds_of_day_better():
    before, after = active([EVERYBODY, LATE]), active([EVERYBODY, LATE], seed=1)
    found = chosen(before, after)

    assert found.by_day is not None
    assert found.reason.startswith("by kind of day: surely better, log-loss given the day ")
    assert found.told_apart.log_loss < found.alike.log_loss
    assert found.figures["chosen"] is True
    assert set(found.figures["told_apart"]) == {"hit_at_1", "hit_at_3", "mrr", "log_loss"}


@pytest.mark.parametrize("seed", range(5))
def test_where_all_days_are_alike_they_stay_so(seed):
    found = chosen(active([OWLS, OWLS], seed=seed), active([OWLS, OWLS], people=60, hours=3, seed=seed + 10))

    assert found.by_day is None
    assert found.reason.startswith("every day alike: ")


def test_of_few_hours_on_one_kind_of_day_nothing_is_learned():
    before = active([EVERYBODY, LATE], people=10, hours=40)
    found = chosen(before, active([EVERYBODY, LATE]))

    assert before[:, 1].sum() < LEAST
    why = f"800 hours of activity on one kind of day to learn from, and {LEAST:,} are needed"
    assert found.reason == f"every day alike: {why}"
    assert found.figures == {"chosen": False, "reason": found.reason, "alike": None, "told_apart": None}


def test_the_loss_given_the_day_is_that_of_each_hour_by_the_kind_of_day_on_which_it_was():
    after = np.zeros((1, 2, 24))
    after[0, 0, 9], after[0, 1, 22] = 3.0, 1.0
    scores = np.full((1, 24), 1 / 24)
    factors = np.ones((2, 24))
    factors[1, 22] = 3.0

    # A weekend's hour ten at night is three of 26 parts there, and nine in the week one of 24.
    expected = -(0.75 * np.log(1 / 24) + 0.25 * np.log(3 / 26))
    assert losses(on_both(scores, factors), after)[0] == pytest.approx(expected)
    assert losses(alike(scores), after)[0] == pytest.approx(np.log(24))
