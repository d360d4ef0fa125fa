import numpy as np
import pytest

from tests.training.experiments import some_units
from training.comparison import Ruling, compare
from training.experiment import NoExperiment, Plan, Units


def plan(users, shares=(0.5, 0.5), **more):
    return Plan("spring", users, shares, **more)


def verdict(units, planned):
    [found] = compare(units, planned)
    return found.verdict


def test_a_clear_gain_is_shipped_and_says_what_it_is_worth():
    found = verdict(some_units(users=6000, rates=(0.10, 0.15)), plan(8000))

    assert found.ruling is Ruling.SHIP
    assert found.look.time < 1
    assert found.sentence.startswith("Ship treatment: of every 1,000 users ")
    assert "more order with treatment than without" in found.sentence


def test_a_clear_loss_is_stopped():
    found = verdict(some_units(users=6000, rates=(0.15, 0.10)), plan(8000))

    assert found.ruling is Ruling.HARM
    assert "fewer order" in found.sentence


def test_as_long_as_nothing_is_proven_it_goes_on():
    found = verdict(some_units(users=1000, rates=(0.10, 0.11)), plan(8000))

    assert found.ruling is Ruling.CONTINUE
    assert found.sentence.startswith("Continue: 1")


def test_with_all_planned_users_and_no_proof_it_is_inconclusive():
    found = verdict(some_units(users=3000, rates=(0.10, 0.10), seed=4), plan(2900))

    assert found.ruling is Ruling.INCONCLUSIVE


def test_few_conversions_are_said_to_be_few():
    found = verdict(some_units(users=300, rates=(0.03, 0.9)), plan(8000))

    assert found.ruling is Ruling.CONTINUE
    assert found.sentence.startswith("Continue: nothing is said before each arm has 20 conversions, and there are")


def test_arms_of_the_wrong_sizes_are_invalid_however_large_the_effect():
    found = verdict(some_units(users=6000, rates=(0.05, 0.25), shares=(0.45, 0.55)), plan(8000))

    assert found.ruling is Ruling.INVALID
    assert found.look is None


def test_once_crossed_a_bound_stays_crossed():
    early = some_units(users=4000, rates=(0.10, 0.16), seed=2)
    first = verdict(early, plan(8000))
    # Nobody ever orders again.
    converted = early.converted & (early.at <= first.look.at)
    faded = Units(early.arms, early.arm, early.at, early.matured_at, converted, until=early.until)

    assert verdict(faded, plan(8000)).look == first.look


def with_unsubscribed(units, share):
    happened = (np.random.default_rng(5).random(len(units)) < share) & (units.arm == 1)
    return Units(
        units.arms,
        units.arm,
        units.at,
        units.matured_at,
        units.converted,
        guardrails={"unsubscribed": happened},
        until=units.until,
    )


def test_a_gain_that_drives_people_away_is_stopped_for_harm():
    units = with_unsubscribed(some_units(users=6000, rates=(0.10, 0.15)), 0.05)
    found = verdict(units, plan(8000))

    assert found.ruling is Ruling.HARM
    assert "more unsubscribed" in found.sentence


@pytest.mark.parametrize(("planned", "ruling"), [(8000, Ruling.CONTINUE), (5900, Ruling.INCONCLUSIVE)])
def test_a_gain_is_not_shipped_before_it_is_shown_to_do_no_harm(planned, ruling):
    units = with_unsubscribed(some_units(users=6000, rates=(0.10, 0.15)), 0.01)
    found = verdict(units, plan(planned))

    assert found.ruling is ruling
    assert "not shown yet that it does no harm" in found.sentence


def test_several_treatments_share_the_error():
    units = some_units(users=9000, rates=(0.10, 0.10, 0.16), shares=(1 / 3, 1 / 3, 1 / 3))
    one, two = compare(units, plan(9000, shares=(1 / 3, 1 / 3, 1 / 3)))
    alone = compare(units.take(units.arm != 2), plan(6000, shares=None))[0]

    assert (one.arm, two.arm) == ("treatment-1", "treatment-2")
    assert two.verdict.ruling is Ruling.SHIP
    assert one.verdict.ruling is not Ruling.SHIP
    planned = next(each for each in one.looks if each.is_planned)
    other = next(each for each in alone.looks if each.at == planned.at)
    assert planned.bound > other.bound


def test_a_table_without_moments_is_looked_at_once():
    arm = np.repeat([0, 1], 5000)
    converted = np.concatenate([np.arange(5000) < 500, np.arange(5000) < 650])
    [found] = compare(Units(("control", "t"), arm, None, None, converted), plan(10_000))

    [look] = found.looks
    assert look.bound == pytest.approx(1.959964, abs=1e-5)
    assert found.verdict.ruling is Ruling.SHIP


def test_one_arm_is_no_experiment():
    with pytest.raises(NoExperiment, match="nobody to compare"):
        compare(some_units(users=100, rates=(0.1, 0.1), shares=(0.0, 1.0)), plan(100))
