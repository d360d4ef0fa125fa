import numpy as np
import pytest
from scipy.stats import norm

from training.experiment import Units
from training.subgroups import subgroups


def units(effects, *, users=8000, seed=3, base=0.2):
    """Units in groups of equal size, whose treatment adds its effect."""
    random = np.random.default_rng(seed)
    names = np.array(list(effects))
    which = random.integers(0, names.size, users)
    arm = random.integers(0, 2, users)
    rate = base + np.array(list(effects.values()))[which] * arm
    return Units(("control", "t"), arm, None, None, random.random(users) < rate, groups={"plan": names[which]})


def test_a_group_for_which_it_works_differently_is_marked():
    found = {each.value: each for each in subgroups(units({"a": 0.0, "b": 0.0, "c": 0.25}), 1)}

    assert found["c"].differs
    assert found["c"].interaction == pytest.approx(0.25, abs=0.05)
    assert found["c"].effect == pytest.approx(0.25, abs=0.05)


def test_the_interaction_is_the_effect_here_minus_that_elsewhere():
    people = units({"a": 0.1, "b": 0.0})
    one, other = subgroups(people, 1)

    assert one.interaction == pytest.approx(one.effect - other.effect)
    assert one.interaction == pytest.approx(-other.interaction)
    assert one.control.users + other.control.users == int((people.arm == 0).sum())


def test_intervals_allow_for_the_number_of_groups():
    for groups in (2, 8):
        each, *_ = subgroups(units(dict.fromkeys("abcdefgh"[:groups], 0.0), users=groups * 2000), 1)
        z = norm.isf(0.05 / (2 * groups))
        error = np.sqrt(sum(0.2 * 0.8 / n for n in (each.control.users, each.treatment.users)))
        assert (each.effect_high - each.effect_low) / 2 == pytest.approx(z * error, rel=0.1)


def test_where_nothing_differs_nothing_is_marked_in_nineteen_of_twenty_reports():
    marked = sum(
        any(each.differs for each in subgroups(units(dict.fromkeys("abc", 0.05), seed=i), 1)) for i in range(200)
    )

    # 10 are expected; 23 or more happen once in five thousand.
    assert marked < 23


def test_a_group_with_few_conversions_says_nothing():
    people = units({"many": 0.0, "few": 0.0})
    few = people.groups["plan"] == "few"
    keep = ~few | (np.cumsum(few) <= 40)
    many, small = sorted(subgroups(people.take(keep), 1), key=lambda each: -each.control.users)

    assert small.effect is None
    assert not small.differs
    assert many.effect is not None
    assert many.interaction is None
