"""Experiments whose arms have another threshold, condition, content or hour."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from scipy.stats import binomtest

from features.moments import to_moment
from policy.guards import Standing
from policy.in_arms import decide_in_arm
from policy.reasons import Action, Reason
from policy.send_hours import Hours
from policy.source import PolicyRefused, parse
from tests.policy.test_decide import HOUR, NOON, a_trigger, some_facts

N = 6000
HALVES = {"bold": {"share": 0.5, "threshold": 0.1}, "shy": {"share": 0.5, "threshold": 0.4}}


def decided(trigger, n=N, **facts):
    return [decide_in_arm(trigger, some_facts(unit=f"u{i}", at=NOON + i, **facts))[1] for i in range(n)]


def test_of_a_trigger_without_arms_nothing_is_different():
    trigger = a_trigger(hold_out="20%")
    assert {each.arm for each in decided(trigger, 200)} == {"control", "treatment"}


def test_whoever_one_threshold_would_reach_is_in_the_experiment_in_each_arm_as_often_as_logged():
    found = decided(a_trigger(arms=HALVES, hold_out="20%"), scores={"24h": 0.2})
    by_arm = Counter(each.arm for each in found)

    for arm, share in {"control": 0.2, "bold": 0.4, "shy": 0.4}.items():
        mine = [each for each in found if each.arm == arm]
        assert [*{each.draws.arm_probability for each in mine}] == pytest.approx([share])
        assert [*{each.propensity for each in mine}] == pytest.approx([share])
        assert binomtest(by_arm[arm], N, share).pvalue > 0.001
    assert {(each.arm, each.reason) for each in found} == {
        *(("control", Reason.BELOW_THRESHOLD), ("bold", Reason.SENT), ("shy", Reason.BELOW_THRESHOLD)),
    }
    # Only one arm sends a score between the thresholds.
    assert [each.draws.send for each in found] == pytest.approx([0.4] * N)


@pytest.mark.parametrize(("score", "reason", "sends"), [(0.05, Reason.BELOW_THRESHOLD, None), (0.5, Reason.SENT, 0.8)])
def test_below_every_threshold_nobody_enters_and_above_all_of_them_everybody(score, reason, sends):
    found = decided(a_trigger(arms=HALVES, hold_out="20%"), 300, scores={"24h": score})

    assert {each.reason for each in found if each.action is not Action.CONTROL} == {reason}
    assert {None if each.draws is None else round(each.draws.send, 9) for each in found} == {sends}
    assert all((each.arm is None) == (sends is None) for each in found)


def test_arms_say_different_things_to_the_same_people():
    said = {"plain": {"share": 0.5, "content": {"text": "a"}}, "loud": {"share": 0.5, "content": {"text": "A"}}}
    found = decided(a_trigger(arms=said), 300)

    assert {(each.arm, each.route.content["text"]) for each in found} == {("plain", "a"), ("loud", "A")}


def test_an_arm_may_ask_for_something_else():
    asks = {"all": {"share": 0.5}, "some": {"share": 0.5, "when": {"profile": {"field": "tier", "exists": True}}}}
    found = decided(a_trigger(arms=asks), 300)

    assert {(each.arm, each.reason) for each in found} == {("all", Reason.SENT), ("some", Reason.CONDITION_NOT_MET)}
    assert {each.draws.send for each in found} == {0.5}


def test_the_hour_may_be_what_is_compared_and_all_enter_at_the_same_moment():
    hours = {"now": {"share": 0.5}, "best": {"share": 0.5, "send": "best_hour"}}
    at = NOON - 9 * HOUR
    trigger = a_trigger(arms=hours, send_within="1d")
    found = [decide_in_arm(trigger, some_facts(unit=f"u{i}", at=at, event_at=at))[1] for i in range(300)]

    assert {(each.arm, each.reason) for each in found} == {("now", Reason.SENT), ("best", Reason.PUT_OFF)}
    assert {each.draws.send for each in found} == {1.0}


@pytest.mark.parametrize("hour_utc", range(24))
def test_arms_that_differ_in_the_hour_send_on_the_same_day(hour_utc):
    shares = {"now": "now", "best": "best_hour", "all": "everybodys_hour"}
    arms = {name: {"share": 1 / 3, "send": send} for name, send in shares.items()}
    quiet = {"guards": {"quiet_hours": {"from": "21:00", "to": "08:00"}}}
    trigger = a_trigger(arms=arms, send_within="40h", **quiet)
    at, berlin = NOON + hour_utc * HOUR, ZoneInfo("Europe/Berlin")
    # Twenty is the person's own hour, nine everybody's; nothing else is any good.
    own, of_all = ([float(hour == best) for hour in range(24)] for best in (20, 9))
    sent = {}
    for i in range(40):
        facts = some_facts(unit=f"u{i}", at=at, event_at=at, standing=Standing(timezone="Europe/Berlin"))
        _, verdict = decide_in_arm(trigger, replace(facts, hours=lambda: Hours(own, 1.0, False, of_all)))
        sent[verdict.arm] = to_moment(verdict.due_at or at).astimezone(berlin)

    first = sent["now"]
    assert set(sent) == {"now", "best", "all"}
    assert first == min(sent.values())
    assert {each.date() for each in sent.values()} == {first.date()}
    assert sent["best"].hour == 20
    assert sent["all"] == (first if first.hour > 9 else first.replace(hour=9))


def test_in_a_dry_run_nobody_is_in_an_arm():
    assert {each.arm for each in decided(a_trigger(arms=HALVES, mode="dry_run"), 100)} == {None}


@pytest.mark.parametrize(
    ("arms", "says"),
    [
        ("{a: {share: 50%}, b: {share: 40%}}", "must add up to 100 %"),
        ("{control: {share: 50%}, b: {share: 50%}}", "call this one another name"),
        ("{a: {share: 100%}}", "one arm alone is no experiment"),
        ("{a: {share: 50%}, b: {share: 50%, send: best_hour}}", "needs send_within"),
        ("{a: {share: 50%}, b: {share: 50%}}, class: transactional", "nobody is drawn into any"),
    ],
)
def test_arms_that_cannot_be_meant_are_refused(arms, says):
    with pytest.raises(PolicyRefused, match=says):
        parse(f"triggers: [{{name: a, on: Product Added, threshold: 20%, cool_down: 1d, arms: {arms}}}]")
