"""Arms: fair, sticky, independent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency

from policy.arms import CONTROL, TREATMENT, Assignment, hold_out, split

USERS = [f"user-{number}" for number in range(20_000)]
units = st.text(max_size=50)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("salt", ["warm-cart", "after-order"])
def test_as_many_are_held_out_as_was_asked_for(share, salt):
    arms = hold_out(salt, share)
    held = sum(arms.assign(user).arm == CONTROL for user in USERS)

    assert binomtest(held, len(USERS), share).pvalue > 0.001


def test_different_salts_draw_independently():
    one, other = hold_out("warm-cart", 0.5), hold_out("after-order", 0.5)
    table = [[0, 0], [0, 0]]
    for user in USERS:
        table[one.assign(user).arm == CONTROL][other.assign(user).arm == CONTROL] += 1

    assert chi2_contingency(table).pvalue > 0.001


@given(units, st.floats(0, 1))
def test_an_arm_is_for_good(unit, share):
    assert hold_out("salt", share).assign(unit) == hold_out("salt", share).assign(unit)


@given(units, st.floats(0, 1), st.floats(0, 1))
def test_widening_a_hold_out_releases_nobody(unit, one, other):
    narrow, wide = sorted((one, other))

    if hold_out("salt", narrow).assign(unit).arm == CONTROL:
        assert hold_out("salt", wide).assign(unit).arm == CONTROL


@given(units)
def test_an_arm_without_a_share_gets_nobody(unit):
    assert hold_out("salt", 0).assign(unit) == Assignment(TREATMENT, 1.0)
    assert hold_out("salt", 1).assign(unit) == Assignment(CONTROL, 1.0)


def test_more_than_two_arms_get_their_shares():
    shares = {"control": 0.1, "blue": 0.6, "green": 0.3}
    arms = split("colours", shares)
    drawn = [arms.assign(user) for user in USERS]

    for arm, share in shares.items():
        assert binomtest(sum(each.arm == arm for each in drawn), len(USERS), share).pvalue > 0.001
    assert {(each.arm, each.probability) for each in drawn} == set(shares.items())


@pytest.mark.parametrize("shares", [{"control": 0.2, "treatment": 0.7}, {"control": -0.1, "treatment": 1.1}])
def test_shares_that_do_not_add_up_are_refused(shares):
    with pytest.raises(ValueError, match="add up to 1"):
        split("salt", shares)
