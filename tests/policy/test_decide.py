"""The laws of a decision."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.arms import CONTROL, TREATMENT
from policy.channels import Route
from policy.decide import Facts, Verdict, decide
from policy.draws import Draws
from policy.guards import Standing
from policy.reasons import Action, Reason
from policy.runs import Run
from policy.trigger_fields import Mode
from policy.triggers import Trigger
from tests.policy.persons import Person, words

NOON = 1_508_500_800_000_000
HOUR = 3_600_000_000


def a_trigger(**given_):
    fields = {"name": "warm-cart", "on": "Product Added", "threshold": 0.25, "cool_down": "7d", "mode": "live"}
    return Trigger.model_validate(fields | {"hold_out": 0} | given_)


def some_facts(**given_):
    fields = {"unit": "ada", "at": NOON, "event_at": NOON, "scores": {"24h": 0.5}, "last_fired": {}}
    return Facts(**fields | given_)


probabilities = st.floats(0, 1)
scores = st.one_of(st.none(), st.just(math.nan), probabilities)
units = st.text(min_size=1, max_size=40)


moments = st.integers(NOON, NOON + 1000 * HOUR)
ages = st.none() | st.integers(-300 * HOUR, 0)
delays = st.integers(0, 3 * HOUR)
scored = st.dictionaries(st.sampled_from(["24h", "7d"]), scores)
exclusions = st.sampled_from([None, None, None, "bot", "staff", "test"])


@st.composite
def facts_of_anyone(draw):
    at, age = draw(moments), draw(ages)
    fired = None if age is None else at + age
    return Facts(
        unit=draw(units),
        at=at,
        event_at=at - draw(delays),
        scores=draw(scored),
        last_fired={} if fired is None else {"warm-cart": fired, "warm-cart (dry run)": fired},
        excluded=draw(exclusions),
    )


triggers = st.builds(
    a_trigger,
    threshold=probabilities,
    hold_out=st.floats(0, 0.99),
    cool_down=st.sampled_from(["0s", "1h", "7d"]),
    mode=st.sampled_from(["live", "dry_run", "test_profiles"]),
    horizon=st.sampled_from(["24h", "7d"]),
)


def test_a_score_at_the_threshold_sends():
    assert decide(a_trigger(threshold=0.5), some_facts()) == Verdict(
        *(Action.SEND, Reason.SENT, TREATMENT, 1.0, 0.5, 0.5),
        route=Route(("webhook",), together=False, endpoint="default", content=None),
        channels=("webhook",),
        draws=Draws(send=1.0, arm_probability=1.0),
    )


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"scores": {"24h": 0.2499}}, Reason.BELOW_THRESHOLD),
        ({"scores": {"24h": None}}, Reason.NO_SCORE),
        ({"scores": {"24h": math.nan}}, Reason.NO_SCORE),
        ({"scores": {"7d": 0.9}}, Reason.NO_SCORE),
        ({"excluded": "bot"}, Reason.EXCLUDED_USER),
        ({"event_at": NOON - HOUR - 1}, Reason.STALE_EVENT),
        ({"last_fired": {"warm-cart": NOON - 7 * 24 * HOUR + 1}}, Reason.COOLING_DOWN),
    ],
)
def test_whatever_holds_a_message_back_is_named(facts, reason):
    verdict = decide(a_trigger(), some_facts(**facts))

    assert (verdict.action, verdict.reason, verdict.propensity) == (Action.HOLD, reason, 1.0)


def test_the_cool_down_is_over_when_it_is_over():
    fired = some_facts(last_fired={"warm-cart": NOON - 7 * 24 * HOUR})

    assert decide(a_trigger(), fired).reason is Reason.SENT


def test_a_dry_run_decides_and_sends_nothing():
    verdict = decide(a_trigger(mode="dry_run"), some_facts())

    assert (verdict.action, verdict.reason, verdict.fired) == (Action.HOLD, Reason.DRY_RUN, True)


def test_a_rehearsal_holds_nothing_back_once_live():
    rehearsal = a_trigger(mode="dry_run")

    assert decide(a_trigger(), some_facts(last_fired={rehearsal.cool_down_key: NOON})).reason is Reason.SENT
    assert decide(rehearsal, some_facts(last_fired={rehearsal.cool_down_key: NOON})).reason is Reason.COOLING_DOWN


def test_a_withheld_message_cools_down_like_a_sent_one():
    fired = {reason for reason in Reason if Verdict(Action.HOLD, reason, None, 1.0, None, 0.5).fired}

    assert fired == {Reason.SENT, Reason.CONTROL, Reason.DRY_RUN}


@given(triggers, facts_of_anyone())
def test_a_decision_is_the_same_whenever_it_is_taken(trigger, facts):
    assert decide(trigger, facts) == decide(Trigger.model_validate(trigger.model_dump()), facts)


@given(triggers, facts_of_anyone())
def test_the_probability_of_what_was_done_is_never_zero(trigger, facts):
    verdict = decide(trigger, facts)

    assert 0 < verdict.propensity <= 1
    expected = {
        Action.SEND: 1 - trigger.hold_out.share,
        Action.CONTROL: trigger.hold_out.share,
        Action.HOLD: 1.0,
    }
    assert verdict.propensity == pytest.approx(expected[verdict.action])


@given(triggers, facts_of_anyone())
def test_action_and_reason_and_arm_tell_the_same_story(trigger, facts):
    verdict = decide(trigger, facts)

    assert {
        Reason.SENT: (Action.SEND, TREATMENT),
        Reason.CONTROL: (Action.CONTROL, CONTROL),
    }.get(verdict.reason, (Action.HOLD, None)) == (verdict.action, verdict.arm)


@given(triggers, facts_of_anyone(), probabilities)
def test_raising_the_threshold_never_adds_a_send(trigger, facts, higher):
    raised = trigger.model_copy(update={"threshold": max(trigger.threshold, higher)})

    if decide(raised, facts).action is Action.SEND:
        assert decide(trigger, facts).action is Action.SEND


@given(triggers, facts_of_anyone(), st.floats(0, 0.99))
def test_widening_the_hold_out_never_adds_a_send(trigger, facts, share):
    wider = a_trigger(**trigger.model_dump() | {"hold_out": max(share, trigger.hold_out.share)})

    if decide(wider, facts).action is Action.SEND:
        assert decide(trigger, facts).action is Action.SEND


@given(triggers, facts_of_anyone(), st.floats(0, 0.99))
def test_the_hold_out_is_asked_last(trigger, facts, share):
    other = a_trigger(**trigger.model_dump() | {"hold_out": share})

    # Whoever reaches the draw under one share reaches it under any: both arms hold users of the same kind.
    assert (decide(trigger, facts).arm is None) == (decide(other, facts).arm is None)
    assert decide(trigger, facts).fired == decide(other, facts).fired


@given(triggers, facts_of_anyone())
def test_a_dry_run_fires_exactly_where_live_would(trigger, facts):
    live, rehearsal = (a_trigger(**trigger.model_dump() | {"mode": mode}) for mode in ("live", "dry_run"))

    assert decide(live, facts).fired == decide(rehearsal, facts).fired
    assert decide(rehearsal, facts).action is Action.HOLD


NIGHT = {"from": "00:00", "to": "23:59", "unknown_zone": "shop_zone"}


@pytest.mark.parametrize(
    ("mended", "reason"),
    [
        ((), Reason.EXCLUDED_USER),
        (("excluded",), Reason.STALE_EVENT),
        (("excluded", "event_at"), Reason.SUPPRESSED),
        (("excluded", "event_at", "suppressed"), Reason.NO_CONSENT),
        (("excluded", "event_at", "suppressed", "consents"), Reason.BELOW_THRESHOLD),
        (("excluded", "event_at", "suppressed", "consents", "scores"), Reason.COOLING_DOWN),
        (("excluded", "event_at", "suppressed", "consents", "scores", "last_fired"), Reason.QUIET_HOURS),
    ],
)
def test_the_first_objection_in_a_fixed_order_is_the_reason(mended, reason):
    trigger = a_trigger(channel="email", mode="dry_run", guards={"quiet_hours": NIGHT})
    bad = {
        "excluded": "bot",
        "event_at": NOON - 5 * HOUR,
        "scores": {"24h": 0.1},
        "last_fired": {trigger.cool_down_key: NOON - 1},
    }
    barred = {} if "suppressed" in mended else {"suppressed": {"email": "bounced"}}
    granted = {"consents": words({("marketing", "*"): True})} if "consents" in mended else {}
    given_ = {name: value for name, value in bad.items() if name not in mended}

    assert decide(trigger, some_facts(standing=Standing(**barred, **granted), **given_)).reason == reason


def test_a_transactional_message_asks_neither_score_nor_hold_out_nor_the_clock():
    trigger = a_trigger(**{"class": "transactional"}, threshold=1, hold_out=0.99, guards={"quiet_hours": NIGHT})
    unsubscribed, dead = Standing(suppressed={"email": "unsubscribed"}), Standing(suppressed={"email": "bounced"})

    assert decide(trigger, some_facts(scores={}, standing=unsubscribed))[:6] == (
        *(Action.SEND, Reason.SENT, None, 1.0, None, 1.0),
    )
    assert decide(trigger, some_facts(standing=dead)).reason == Reason.SUPPRESSED


@pytest.mark.parametrize(
    ("excluded", "reason"),
    [("test", Reason.SENT), (None, Reason.DRY_RUN), ("staff", Reason.EXCLUDED_USER), ("bot", Reason.EXCLUDED_USER)],
)
def test_a_trigger_for_test_users_sends_to_them_alone(excluded, reason):
    verdict = decide(a_trigger(mode="test_profiles"), some_facts(excluded=excluded))

    assert verdict.reason is reason
    assert (verdict.action is Action.SEND) == (excluded == "test")


@given(facts_of_anyone(), triggers)
def test_a_test_user_of_a_trigger_for_these_gets_what_a_customer_of_a_live_one_gets(facts, trigger):
    rehearsing = trigger.model_copy(update={"mode": Mode.TEST_PROFILES})
    live = trigger.model_copy(update={"mode": Mode.LIVE})
    customer = replace(facts, excluded=None)

    assert decide(rehearsing, replace(facts, excluded="test")) == decide(live, customer)
    assert decide(rehearsing, customer) == decide(trigger.model_copy(update={"mode": Mode.DRY_RUN}), customer)


def test_what_waited_expires_by_its_own_moment_and_an_event_by_when_it_happened():
    trigger = a_trigger(expires_after="6h", max_event_age="1h", send_within="1d")
    late = some_facts(event_at=NOON - 5 * HOUR)

    assert decide(trigger, late).reason == Reason.STALE_EVENT
    assert decide(trigger, late, Run(is_due=True)).reason == Reason.SENT
    assert decide(trigger, some_facts(event_at=NOON - 6 * HOUR - 1), Run(is_due=True)).reason == Reason.EXPIRED


def test_a_step_asks_its_own_threshold_and_not_whether_the_trigger_cools_down():
    trigger = a_trigger(steps=[{"after": "1h", "threshold": 0.4}, {"after": "1h", "threshold": 0.6}])
    fired = some_facts(last_fired={"warm-cart": NOON - 1})
    found = [decide(trigger, fired, Run(step, is_due=True)) for step in range(3)]

    assert [each.reason for each in found] == [Reason.COOLING_DOWN, Reason.SENT, Reason.BELOW_THRESHOLD]
    assert [each.threshold for each in found] == [0.25, 0.4, 0.6]


def test_each_cart_or_product_cools_down_for_itself():
    trigger = a_trigger(key="product")
    fired = some_facts(last_fired={trigger.cools("mug"): NOON - 1})

    assert decide(trigger, fired, Run(key="mug")).reason == Reason.COOLING_DOWN
    assert decide(trigger, fired, Run(key="cup")).reason == Reason.SENT


@pytest.mark.parametrize("step", [0, 1])
def test_a_sequence_is_left_at_a_step_only_and_before_anything_else_is_asked(step):
    likely = {"intent": {"at_least": 0.4}}
    trigger = a_trigger(channel="email", steps=[{"after": "1h"}], exit_when=likely)
    facts = some_facts(look=lambda: Person(intents={"24h": 0.5}))

    assert decide(trigger, facts, Run(step, is_due=True)).reason == [Reason.NO_CONSENT, Reason.EXITED][step]


@given(triggers, facts_of_anyone(), st.integers(0, 2))
def test_the_arm_is_the_same_at_every_step(trigger, facts, step):
    stepped = a_trigger(**trigger.model_dump() | {"steps": [{"after": "1h"}] * 2, "cool_down": 0})
    found = {decide(stepped, facts, Run(each, is_due=True)).arm for each in (0, step)}

    assert len(found) == 1
