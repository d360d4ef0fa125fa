"""Where users are drawn to: out of everything, to an experiment of a layer, to an arm; each as often as logged."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from policy.assignment import EVERYBODY
from policy.decide import decide
from policy.reasons import Action
from policy.source import PolicyRefused, parse
from tests.policy.test_decide import NOON, some_facts

N = 20_000
TRIGGER = "  - {{name: {}, on: Product Added, threshold: 20%, cool_down: 0, mode: live, hold_out: 20%}}\n"
THREE = "".join(TRIGGER.format(each) for each in "abc")
POLICY = f"""
hold_out: 5%
layers: [{{name: carts, experiments: {{a: 50%, b: 30%}}}}]
triggers:
{THREE}"""


def decided(policy, name, n=N, score=0.5):
    trigger = policy.by_name[name]
    return [decide(trigger, some_facts(unit=f"u{i}", at=NOON + i, scores={"24h": score})) for i in range(n)]


@pytest.mark.parametrize("name", ["a", "b", "c"])
@pytest.mark.parametrize("explore", ["", "explore: {below_threshold: 30%}"])
def test_every_outcome_is_as_frequent_as_its_logged_propensity(name, explore):
    found = decided(parse(f"{explore}\n{POLICY}"), name, score=0.1 if explore else 0.5)

    for action in {each.action for each in found}:
        mine = [each.propensity for each in found if each.action is action]
        assert mine == pytest.approx([mine[0]] * len(mine))
        assert binomtest(len(mine), N, mine[0]).pvalue > 0.001
    by_action = {each.action: each.propensity for each in found}
    assert sum(by_action.values()) == pytest.approx(1)
    assert [each.draws.send for each in found] == pytest.approx([by_action[Action.SEND]] * N)


def test_arms_are_as_frequent_within_their_experiment_as_their_logged_probability():
    found = [each.draws for each in decided(parse(POLICY), "a") if each.draws.arm_probability and not each.draws.is_out]
    drawn = Counter(each.arm_probability for each in found)

    assert sorted(drawn) == pytest.approx([0.2, 0.8])
    assert binomtest(min(drawn.values()), len(found), 0.2).pvalue > 0.001
    assert binomtest(len(found), N, 0.95 * 0.5).pvalue > 0.001


def test_nobody_is_in_two_experiments_of_a_layer_and_whoever_is_in_none_gets_the_message():
    policy = parse(POLICY)
    inside = {name: [each.arm is not None for each in decided(policy, name)] for name in "ab"}
    out = [each.draws.is_out for each in decided(policy, "a")]

    both = [a and b for a, b in zip(inside["a"], inside["b"], strict=True)]
    assert both == out
    elsewhere = [each for each in decided(policy, "a") if each.arm is None]
    assert {each.action for each in elsewhere} == {Action.SEND}


def test_whoever_is_held_out_of_everything_is_so_by_every_marketing_trigger():
    policy = parse(
        POLICY + "  - {name: receipt, on: Order Completed, threshold: 0, cool_down: 0, class: transactional}\n"
    )
    out = {name: [each.draws.is_out for each in decided(policy, name)] for name in "abc"}

    assert out["a"] == out["b"] == out["c"]
    assert binomtest(sum(out["a"]), N, 0.05).pvalue > 0.001
    assert all(
        each.action is Action.CONTROL for each, is_out in zip(decided(policy, "c"), out["c"], strict=True) if is_out
    )
    assert policy.by_name["receipt"].shared.everybody is None


@given(st.text(min_size=1), st.floats(0.01, 0.4), st.floats(0.41, 0.9))
def test_widening_the_hold_out_of_everybody_lets_nobody_out(unit, small, large):
    of = [parse(POLICY.replace("5%", f"{each:f}", 1)).by_name["c"].place(unit).is_out for each in (small, large)]

    assert of[1] or not of[0]


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(PolicyRefused, match="no trigger is part of d, which is in l"):
        parse(f"layers: [{{name: l, experiments: [a, d]}}]\ntriggers:\n{THREE}")
    with pytest.raises(PolicyRefused, match="a is in two of them"):
        parse(f"layers: [{{name: l, experiments: [a]}}, {{name: k, experiments: [a, b]}}]\ntriggers:\n{THREE}")
    with pytest.raises(PolicyRefused, match="gives away more than all users"):
        parse(f"layers: [{{name: l, experiments: {{a: 60%, b: 60%}}}}]\ntriggers:\n{THREE}")
    with pytest.raises(PolicyRefused, match="call yours another name"):
        parse(f"hold_out: 5%\ntriggers:\n{TRIGGER.format(EVERYBODY)}")


def test_the_experiment_with_everybody_can_be_planned():
    plan = "experiments: [{{name: everybody, window: {}}}]\n"

    assert parse(plan.format("24h") + POLICY).experiments[0].name == EVERYBODY
    with pytest.raises(PolicyRefused, match="attribute them within 1 day"):
        parse(plan.format("7d") + POLICY)
