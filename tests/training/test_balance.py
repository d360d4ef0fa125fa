import numpy as np
import pytest

from tests.training.experiments import some_units
from training.balance import balanced


def units(**more):
    return some_units(users=4000, rates=(0.1, 0.2), **more)


def test_what_the_treatment_changes_is_left_out_and_what_was_there_before_stays():
    random = np.random.default_rng(1)
    plain = units()
    clicks = plain.converted + random.integers(0, 2, 4000)
    covariates = {"clicks": clicks.astype(float), "age": random.normal(40, 10, 4000), "constant": np.ones(4000)}
    groups = {"page": np.where(plain.converted, "thanks", "home"), "plan": random.choice(["free", "paid"], 4000)}

    kept, differing = balanced(units(covariates=covariates, groups=groups))

    assert differing == ("clicks", "page")
    assert (list(kept.covariates), list(kept.groups)) == (["age", "constant"], ["plan"])


def test_that_there_is_a_value_in_one_arm_alone_tells_of_the_treatment():
    answered = np.where(units().arm == 1, 3.0, np.nan)

    assert balanced(units(covariates={"rating": answered}))[1] == ("rating",)


def test_chance_alone_leaves_nothing_out():
    random = np.random.default_rng(2)
    many = {f"x{i}": random.standard_cauchy(4000) for i in range(200)}
    words = {f"w{i}": random.choice(["a", "b", "c"], 4000) for i in range(50)}

    assert balanced(units(covariates=many, groups=words))[1] == ()


def test_of_a_handful_of_users_nothing_differs_by_more_than_chance():
    few = units(covariates={"member": units().arm.astype(float)}).take(np.arange(6))

    assert balanced(few)[1] == ()
    assert balanced(units(covariates={"member": units().arm.astype(float)}))[1] == ("member",)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.0])
def test_what_says_nothing_is_no_difference(value):
    assert balanced(units(covariates={"x": np.full(4000, value)}))[1] == ()
