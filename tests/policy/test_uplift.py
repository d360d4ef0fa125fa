"""Triggers that go by what their message adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.decide import decide
from policy.doubts import doubts
from policy.findings import Finding, findings
from policy.findings_in_words import finding_in_words
from policy.in_arms import decide_in_arm
from policy.reasons import Action, Reason
from policy.runs import AT_ONCE
from policy.sentences import sentence
from policy.source import PolicyRefused, parse
from policy.uplift import Uplift
from tests.policy.test_decide import a_trigger, some_facts

KNOWN = {"warm-cart": Uplift(adds=0.02, pays=0.015)}
POLICY = """
triggers:
  - name: warm-cart
    on: Product Added
    threshold: 25%
    cool_down: 7d
"""


def said(trigger, **facts):
    """Return action, reason, score, threshold, and whether these are of uplift."""
    found = decide(trigger, some_facts(**facts))
    return found.action, found.reason, found.score, found.threshold, found.by_uplift


@pytest.mark.parametrize(
    ("asked", "adds", "reason", "needed"),
    [
        ("auto", 0.02, Reason.SENT, 0.015),
        ("auto", 0.015, Reason.SENT, 0.015),
        ("auto", 0.0149, Reason.BELOW_THRESHOLD, 0.015),
        ("auto", -0.3, Reason.BELOW_THRESHOLD, 0.015),
        ("2%", 0.02, Reason.SENT, 0.02),
        (0.03, 0.02, Reason.BELOW_THRESHOLD, 0.03),
    ],
)
def test_what_the_message_adds_decides_and_not_how_likely_they_buy(asked, adds, reason, needed):
    known = {"warm-cart": Uplift(adds, pays=0.015)}

    for intent in (0.01, 0.99):
        found = said(a_trigger(uplift=asked), scores={"24h": intent}, uplifts=known)
        action = Action.SEND if reason is Reason.SENT else Action.HOLD
        assert found == (action, reason, adds, needed, True)


def test_until_a_model_tells_what_the_message_adds_the_threshold_counts_and_the_decision_says_so():
    trigger, facts = a_trigger(uplift="auto"), some_facts(scores={"24h": 0.1}, uplifts={"another": Uplift(0.5, 0.1)})
    verdict = decide(trigger, facts)

    assert (verdict.reason, verdict.score, verdict.threshold, verdict.by_uplift) == (
        "below_threshold",
        0.1,
        0.25,
        False,
    )
    [found] = findings(trigger, facts, AT_ONCE, verdict)
    assert found == Finding("uplift", None, Reason.BELOW_THRESHOLD, (False, 0.1, 0.25))
    words = "no model of uplift was in service, so the chance of a purchase counted: it is 10 %, and 25 % is needed"
    assert finding_in_words(found) == words
    assert said(trigger, scores={}) == (Action.HOLD, Reason.NO_SCORE, None, 0.25, False)


def test_the_decision_tells_what_the_message_adds_beside_what_is_needed():
    trigger, facts = a_trigger(uplift="auto"), some_facts(uplifts=KNOWN)
    [found] = findings(trigger, facts, AT_ONCE, decide(trigger, facts))

    assert found == Finding("uplift", None, None, (True, 0.02, 0.015))
    assert finding_in_words(found) == "the message adds 2 % to the chance of a purchase, and 1.5 % is needed"


def test_a_trigger_that_does_not_go_by_uplift_does_not_look_at_it():
    facts = some_facts(scores={"24h": 0.1}, uplifts=KNOWN)
    verdict = decide(a_trigger(), facts)

    assert (verdict.reason, verdict.by_uplift) == (Reason.BELOW_THRESHOLD, False)
    assert findings(a_trigger(), facts, AT_ONCE, verdict) == ()


@given(st.floats(-1, 1), st.floats(0, 1), st.integers(0, 10**12))
def test_below_what_is_needed_chance_may_overrule_and_every_propensity_is_a_probability(adds, pays, later):
    trigger = a_trigger(uplift="auto", hold_out="20%", explore={"below_threshold": "30%"})
    facts = some_facts(uplifts={"warm-cart": Uplift(adds, pays)})
    facts = replace(facts, at=facts.at + later, event_at=facts.event_at + later)

    found = decide(trigger, facts)

    assert 0 < found.propensity <= 1
    assert found.draws.send == pytest.approx(0.8 if adds >= pays else 0.3 * 0.8)
    assert (found.draws.explored is None) == (adds >= pays)


def test_an_arm_may_go_by_uplift_and_who_either_arm_would_write_to_enters_the_experiment():
    trigger = a_trigger(arms={"intent": {"share": "50%"}, "uplift": {"share": "50%", "uplift": "auto"}})
    found = {}
    for n in range(20):
        mine, verdict = decide_in_arm(trigger, some_facts(unit=f"u{n}", scores={"24h": 0.1}, uplifts=KNOWN))
        found[verdict.arm] = mine.uplift, verdict.reason, verdict.by_uplift, verdict.propensity, verdict.draws.send

    assert found == {
        "intent": (None, Reason.BELOW_THRESHOLD, False, 0.5, 0.5),
        "uplift": ("auto", Reason.SENT, True, 0.5, 0.5),
    }


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("uplift: often", "triggers[0].uplift: must be `auto`, or a percentage"),
        ("uplift: 101%", "triggers[0].uplift: must be `auto`, or a percentage"),
        ("uplift: true", "triggers[0].uplift: must be `auto`, or a percentage"),
        ("uplift: auto\n    class: transactional", "uplift is not for transactional messages"),
        ("uplift: auto\n    steps: [{after: 1d}]", "uplift and steps exclude each other"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(line, problem):
    with pytest.raises(PolicyRefused) as refused:
        parse(f"{POLICY}    {line}\n")

    [found] = refused.value.problems
    assert problem in str(found)
    assert found.line == 7


def test_a_sentence_says_what_is_asked_now_and_until_a_model_is_in_service():
    [auto] = parse(f"{POLICY}    uplift: auto\n").triggers
    [number] = parse(f"{POLICY}    uplift: 0.4%\n").triggers

    assert "if it pays for itself by what it adds to the chance of a purchase within 24h (until a model" in sentence(
        auto
    )
    assert "if it adds at least 0.4 % to the chance of a purchase within 24h (until a" in sentence(number)
    assert "is in service, if that chance is at least 25 %)" in sentence(number)


def test_a_trigger_that_goes_by_uplift_makes_none_pointless_and_may_need_any_threshold_until_then():
    twice = POLICY + "    uplift: auto\n" + POLICY.replace("triggers:\n", "").replace("warm-cart", "again")

    assert doubts(parse(twice)) == []
    assert doubts(parse(POLICY.replace("25%", "100%") + "    uplift: auto\n")) == []
