import numpy as np
import pytest

from tests.training.experiments import DAY, START, some_units
from training.confidence_sequence import half_widths
from training.experiment import Plan
from training.looks import counted, looks, moments
from training.spending import bounds


def plan(users, looks=30):
    return Plan("spring", users, (0.5, 0.5), looks=looks)


def test_looks_are_at_midnight_on_days_that_bring_another_share_of_the_plan():
    units = some_units(users=3000, rates=(0.1, 0.1), days=30)

    found, due = moments(units, plan(3000, looks=10))

    assert ((found[due] - START) % DAY == 0).all()
    assert found[-1] == units.until
    seen = np.searchsorted(units.matured_at, found[due], side="right")
    # The last one comes when the plan is fulfilled.
    assert (np.diff(seen[:-1], prepend=0) >= 300).all()
    assert due.sum() <= 10


def test_there_are_never_more_looks_than_planned_until_the_plan_is_fulfilled():
    units = some_units(users=3000, rates=(0.1, 0.1), days=200)
    found, due = moments(units, plan(3000))
    seen = np.searchsorted(units.matured_at, found[due], side="right")

    assert (seen < 3000).sum() <= 29


def test_when_to_look_does_not_depend_on_what_followed():
    one, other = (some_units(users=2000, rates=rates, days=20) for rates in ((0.1, 0.1), (0.1, 0.5)))

    assert moments(one, plan(2000)).at.tolist() == moments(other, plan(2000)).at.tolist()


def test_the_present_is_seen_and_is_no_planned_look_unless_it_is_due():
    units = some_units(users=3000, rates=(0.1, 0.1), days=30)
    object.__setattr__(units, "until", units.until - DAY // 2)

    found = moments(units, plan(30_000))

    assert found.at.tolist()[-1] == units.until
    assert not found.due[-1]


def test_nobody_is_counted_before_their_window_is_over():
    units = some_units(users=100, rates=(1.0, 1.0), days=10)
    late = units.take(np.arange(100))
    object.__setattr__(late, "matured_at", units.at + 3 * DAY)
    at = np.array([START + 3 * DAY - 1, START + 5 * DAY, START + 13 * DAY])

    users, conversions = counted(late, 1, at)

    drawn = [int(((units.at + 3 * DAY <= each) & (units.arm == 1)).sum()) for each in at]
    assert users.tolist() == conversions.tolist() == drawn
    assert drawn[0] == 0


def test_intervals_are_the_bounds_times_the_error_around_the_estimate():
    users = (np.array([500, 1000]), np.array([500, 1000]))
    found = looks(users, (np.array([50, 100]), np.array([60, 130])), 2000, at=[1, 2])
    critical = bounds([0.5, 1.0])

    assert [each.bound for each in found] == pytest.approx(critical.tolist())
    for look, bound in zip(found, critical, strict=True):
        assert (look.high - look.low) / 2 == pytest.approx(bound * look.error)
        assert (look.low + look.high) / 2 == pytest.approx(look.estimate)
        always = half_widths(look.error, 2000 * look.time, planned=2000)
        assert look.always_high - look.estimate == pytest.approx(float(always))
    assert [each.is_last for each in found] == [False, True]


def test_without_twenty_conversions_in_each_arm_a_look_says_and_costs_nothing():
    users = (np.array([500, 1000, 1500]), np.array([500, 1000, 1500]))
    found = looks(users, (np.array([19, 40, 60]), np.array([90, 160, 300])), 3000, at=[1, 2, 3])

    assert not found[0].is_planned
    assert not found[0].is_better
    assert [each.bound for each in found[1:]] == pytest.approx(bounds([2 / 3, 1.0]).tolist())
    assert found[1].is_better


def test_past_the_plan_only_the_interval_for_all_moments_decides():
    users = (np.array([1000, 1500]), np.array([1000, 1500]))
    slight, strong = (
        looks(users, (np.array([100, 150]), np.array(treated)), 2000, at=[1, 2]) for treated in ([124, 190], [124, 290])
    )

    assert slight[0].is_last
    assert slight[1].bound is None
    assert not slight[1].is_better
    assert slight[1].estimate / slight[1].error > 1.96
    assert strong[1].is_better
