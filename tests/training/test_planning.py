import numpy as np
import pytest
from scipy.stats import norm

from tests.training.experiments import some_units
from training.experiment import Units
from training.planning import users_needed, users_planned


def test_equal_arms_need_what_the_textbook_says():
    # Two arms, 10 % and 12 %, 5 % two-sided, 80 %: n each = (z + z)² * 2 p (1 - p) / d², p half-way.
    each = (norm.isf(0.025) + norm.isf(0.2)) ** 2 * 2 * 0.11 * 0.89 / 0.02**2

    assert users_needed(0.1, (0.5, 0.5), effect=0.2) == pytest.approx(2 * each, rel=0.001)


def test_a_small_hold_out_needs_more_users_in_all():
    equal, small = (users_needed(0.05, shares) for shares in ((0.5, 0.5), (0.1, 0.9)))

    # The variance is 1/c + 1/t: 1/.1 + 1/.9 against 1/.5 + 1/.5.
    assert small / equal == pytest.approx((1 / 0.1 + 1 / 0.9) / 4, rel=0.001)


def test_power_is_what_was_asked_for():
    rate, effect, shares = 0.1, 0.2, (0.2, 0.8)
    users = users_needed(rate, shares, effect=effect)
    random = np.random.default_rng(8)
    control = random.binomial(round(users * shares[0]), rate, 20_000) / (users * shares[0])
    treatment = random.binomial(round(users * shares[1]), rate * (1 + effect), 20_000) / (users * shares[1])
    error = np.sqrt(control * (1 - control) / (users * shares[0]) + treatment * (1 - treatment) / (users * shares[1]))

    assert np.mean((treatment - control) / error > 1.96) == pytest.approx(0.8, abs=0.02)


def test_where_nearly_all_convert_the_others_are_to_become_fewer():
    assert users_needed(0.9, (0.5, 0.5)) == pytest.approx(users_needed(0.1, (0.5, 0.5)), rel=0.2)


def test_a_plan_nobody_made_does_not_depend_on_which_arm_is_better():
    units = some_units(users=3000, rates=(0.1, 0.3))
    swapped = Units(units.arms, 1 - units.arm, units.at, units.matured_at, units.converted, until=units.until)

    assert users_planned(units, (0.5, 0.5)) == users_planned(swapped, (0.5, 0.5))


def test_a_plan_nobody_made_stays_the_same_as_more_users_come():
    units = some_units(users=3000, rates=(0.1, 0.3))

    assert users_planned(units.take(np.arange(1500)), (0.5, 0.5)) == users_planned(units, (0.5, 0.5))


def test_nothing_can_be_planned_for_a_rate_of_nothing():
    with pytest.raises(ValueError, match="nothing to plan for"):
        users_needed(0.0, (0.5, 0.5))
