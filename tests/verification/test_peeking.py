import numpy as np
import pytest

from verification.peeking import BASE_RATE, EFFECT, LOOKS, World, bars, counts, planned_users, watched

USERS = planned_users()
RUNS = 400


@pytest.fixture(scope="module")
def tallies():
    """A small version of what `make verify-statistics` simulates, with seeds of its own."""
    null = watched(World(0.0, USERS), RUNS, 1)
    planned = watched(World(EFFECT, USERS), RUNS, 2)
    past = watched(World(0.0, USERS, 2 * LOOKS), RUNS, 3)
    return null, planned, past


def test_what_the_reports_promise_holds(tallies):
    assert [each.name for each in bars(*tallies) if not each.holds] == []


def test_a_fixed_test_at_each_look_would_not_hold_it(tallies):
    null, *_ = tallies

    assert null.naive / RUNS > 0.2
    assert null.naive_enough / RUNS > 0.12


def test_experiments_that_end_early_save_users(tallies):
    _, planned, _ = tallies

    assert 0.4 < np.mean(planned.saved) < 0.9


def test_the_simulated_shop_is_as_it_says():
    users, conversions = counts(World(EFFECT, USERS), 200, 5)

    assert (users[0][:, -1] + users[1][:, -1] == USERS).all()
    assert users[0][:, -1].mean() / USERS == pytest.approx(0.1, rel=0.01)
    assert conversions[1][:, -1].sum() / users[1][:, -1].sum() == pytest.approx(BASE_RATE * (1 + EFFECT), rel=0.01)
