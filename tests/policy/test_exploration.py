"""What is explored below the threshold: only where somebody wrote it, last of all, and as often as it is said to be."""

from collections import Counter
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import binomtest

from features.moments import to_moment, to_us
from policy.decide import decide
from policy.exploration import HourChance
from policy.guards import Standing
from policy.reasons import Action, Reason
from policy.sentences import sentence
from policy.source import PolicyRefused, parse
from tests.policy.test_decide import HOUR, NOON, a_trigger, facts_of_anyone, some_facts, triggers

LOW = {"24h": 0.1}
N = 20_000


def explored(share=0.05, **fields):
    return a_trigger(explore={"below_threshold": share}, **fields)


def many(trigger, n=N):
    """Decide for many people, each at their own moment."""
    return [decide(trigger, some_facts(unit=f"u{i}", at=NOON + i, scores=LOW)) for i in range(n)]


def test_each_outcome_is_as_frequent_as_its_logged_propensity():
    found = many(explored(hold_out="30%"))

    likely = {Reason.BELOW_THRESHOLD: 0.95, Reason.CONTROL: 0.05 * 0.3, Reason.SENT: 0.05 * 0.7}
    for reason, probability in likely.items():
        mine = [each for each in found if each.reason is reason]
        assert [*{each.propensity for each in mine}] == pytest.approx([probability])
        assert binomtest(len(mine), N, probability).pvalue > 0.001
    assert [each.draws.send for each in found] == pytest.approx([0.035] * N)
    assert all(each.draws.explored == (each.reason is not Reason.BELOW_THRESHOLD) for each in found)
    assert {each.draws.arm_probability for each in found} == {None, 0.3, 0.7}


def test_the_same_person_is_drawn_anew_at_the_next_moment_and_alike_at_the_same():
    trigger = explored(0.5, hold_out=0)
    reasons = [decide(trigger, some_facts(at=NOON + i, scores=LOW)).reason for i in range(2000)]

    assert binomtest(reasons.count(Reason.SENT), 2000, 0.5).pvalue > 0.001
    assert reasons == [decide(trigger, some_facts(at=NOON + i, scores=LOW)).reason for i in range(2000)]


def test_what_chance_drew_goes_on_to_the_hold_out_of_everybody():
    trigger = explored(0.5, hold_out="50%")
    for i in range(500):
        found = decide(trigger, some_facts(unit=f"u{i}", scores=LOW))
        if found.reason is not Reason.BELOW_THRESHOLD:
            assert found.arm == trigger.split.assign(f"u{i}").arm


@pytest.mark.parametrize(
    ("facts", "fields", "reason"),
    [
        ({"last_fired": {"warm-cart": NOON - HOUR}}, {}, Reason.COOLING_DOWN),
        ({}, {"channel": "email"}, Reason.NO_CONSENT),
        ({}, {"when": {"profile": {"field": "tier", "exists": True}}}, Reason.CONDITION_NOT_MET),
        (
            {"standing": Standing(last_order_at=NOON - HOUR)},
            {"guards": {"gap_after_purchase": "1d"}},
            Reason.BOUGHT_RECENTLY,
        ),
        (
            {"standing": Standing(last_order_at=NOON - HOUR)},
            {"guards": {"gap_after_purchase": "1d"}, "send_within": "2d"},
            Reason.PUT_OFF,
        ),
        ({"scores": {"24h": None}}, {}, Reason.NO_SCORE),
    ],
)
def test_nothing_is_drawn_where_anything_else_speaks_against_it(facts, fields, reason):
    for i in range(50):
        found = decide(explored(0.9, **fields), some_facts(unit=f"u{i}", **{"scores": LOW} | facts))
        assert (found.reason, found.propensity, found.draws) == (reason, 1.0, None)


def test_a_dry_run_rehearses_the_draw_and_sends_nothing():
    found = many(explored(0.3, mode="dry_run", hold_out="10%"), 300)

    assert {(each.action, each.reason) for each in found} == {
        (Action.HOLD, Reason.BELOW_THRESHOLD),
        (Action.HOLD, Reason.DRY_RUN),
    }
    assert {each.draws.send for each in found} == {0.0}


@given(triggers, facts_of_anyone(), st.sampled_from([None, {"below_threshold": 0}]))
def test_without_exploration_a_low_score_is_held_for_sure(trigger, facts, explore):
    asked = a_trigger(**trigger.model_dump(exclude={"name", "tests", "explore"}, by_alias=True), explore=explore)
    found = decide(asked, facts)

    assert found == decide(trigger, facts)
    if found.reason is Reason.BELOW_THRESHOLD:
        assert (found.propensity, found.draws) == (1.0, None)


@given(triggers, facts_of_anyone(), st.floats(0.001, 0.999))
def test_exploration_changes_nothing_at_or_above_the_threshold(trigger, facts, share):
    asked = trigger.model_copy(update={"explore": explored(share).explore})
    score = facts.scores.get(trigger.horizon)
    if score is None or not score < trigger.threshold:
        assert decide(asked, facts) == decide(trigger, replace(facts))


def test_the_policy_says_it_for_all_its_marketing_triggers_but_those_that_say_otherwise():
    policy = parse("""
explore: {below_threshold: 5%}
triggers:
  - {name: a, on: Product Added, threshold: 20%, cool_down: 1d}
  - {name: b, on: Product Added, threshold: 20%, cool_down: 1d, explore: {below_threshold: 0}}
  - {name: c, on: Order Completed, threshold: 0, cool_down: 0, class: transactional}
""")

    assert [each.exploration is not None for each in policy.triggers] == [True, False, False]


def test_exploration_of_everything_or_of_transactional_messages_is_refused():
    text = "triggers: [{{name: a, on: Product Added, threshold: 20%, cool_down: 1d, {}}}]"

    with pytest.raises(PolicyRefused, match="less than 1"):
        parse(text.format("explore: {below_threshold: 100%}"))
    with pytest.raises(PolicyRefused, match="explore is not for transactional messages"):
        parse(text.format("explore: {below_threshold: 5%}, class: transactional"))


SENT_LATER = {"send": "best_hour", "send_within": "23h", "guards": {"quiet_hours": {"from": "21:00", "to": "07:00"}}}


def hours_of(trigger, n=4000, zone="Europe/Berlin"):
    """Return what each of many people draws for the hour, and the hour of their day at which they are asked again."""
    standing, found = Standing(timezone=zone), []
    for i in range(n):
        at = NOON + i
        verdict = decide(trigger, some_facts(unit=f"u{i}", at=at, event_at=at, standing=standing))
        due_at = at if verdict.due_at is None else verdict.due_at
        found.append((verdict, to_moment(due_at).astimezone(ZoneInfo(zone)).hour))
    return found


def test_each_hour_is_as_frequent_as_its_logged_probability():
    found = hours_of(a_trigger(explore={"hours": "30%"}, **SENT_LATER))
    # Asked at 14:00 of an October day: until 13:00 of the next one, without the night. The hour under way comes first.
    eligible = (*range(14, 21), *range(7, 14))

    assert {each.draws.hour.eligible for each, _ in found} == {eligible}
    counts = Counter(hour for _, hour in found)
    assert set(counts) == set(eligible)
    for hour, count in counts.items():
        likely = {each.draws.hour.probability for each, at in found if at == hour}
        assert [*likely] == pytest.approx([0.3 / 14 + 0.7 * (hour == 10)])
        assert binomtest(count, 4000, 0.3 / 14 + 0.7 * (hour == 10)).pvalue > 0.001
    assert binomtest(sum(each.draws.hour.explored for each, _ in found), 4000, 0.3).pvalue > 0.001


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.floats(0.05, 1), st.data())
def test_an_hour_that_there_is_several_times_is_as_likely_as_all_of_them(eligible, share, data):
    best = data.draw(st.integers(0, len(eligible) - 1))
    drawn = [HourChance(share, (i + 0.5) / 2000).draw(best, tuple(eligible)) for i in range(2000)]

    counts = Counter(eligible[place] for place, _ in drawn)
    assert all(counts[eligible[place]] / 2000 == pytest.approx(each.probability, abs=0.005) for place, each in drawn)
    assert sum({eligible[place]: each.probability for place, each in drawn}.values()) == pytest.approx(1)


def test_where_clocks_are_set_back_the_hour_that_is_shown_twice_is_twice_as_likely_by_chance():
    at = to_us(datetime(2017, 10, 28, 22, tzinfo=UTC))
    facts = [
        some_facts(unit=f"u{i}", at=at, event_at=at, standing=Standing(timezone="Europe/Berlin")) for i in range(400)
    ]
    trigger = a_trigger(explore={"hours": "100%"}, send="best_hour", send_within="4h")
    found = [decide(trigger, each).draws.hour for each in facts]

    assert {each.eligible for each in found} == {(0, 1, 2, 2, 3)}
    assert {round(each.probability, 9) for each in found} == {0.2, 0.4}


def test_the_share_of_explored_hours_falls_on_the_day_that_the_policy_says():
    plan = {"share": "100%", "until": date(2017, 10, 3), "then": "0%"}
    trigger = a_trigger(explore={"hours": plan}, **SENT_LATER)

    def is_drawn(at):
        moment = to_us(at)
        drawn = decide(trigger, some_facts(at=moment, event_at=moment, standing=Standing(timezone="UTC"))).draws
        return drawn is not None and drawn.hour.explored

    assert is_drawn(datetime(2017, 10, 2, 23, 59, tzinfo=UTC))
    assert not is_drawn(datetime(2017, 10, 3, 0, 0, tzinfo=UTC))


def test_a_plan_of_exploration_is_told_in_words_and_refused_by_its_field():
    text = "triggers: [{{name: a, on: Product Added, threshold: 20%, cool_down: 1d, send: best_hour, {}}}]"
    said = text.format("send_within: 1d, explore: {hours: {share: 10%, until: 2026-03-01, then: 5%}}")

    assert "10 % until 2026-03-01, then 5 %, of them at any allowed one" in sentence(parse(said).triggers[0])
    with pytest.raises(PolicyRefused, match=r"explore\.hours\.until"):
        parse(text.format("send_within: 1d, explore: {hours: {share: 10%, until: soon, then: 5%}}"))


def test_without_exploration_everybody_gets_the_best_hour_and_nothing_is_drawn():
    assert {(each.draws, hour) for each, hour in hours_of(a_trigger(**SENT_LATER), 100)} == {(None, 10)}


def test_a_message_that_is_drawn_to_go_now_is_held_out_like_any_other():
    found = [
        each
        for each, hour in hours_of(a_trigger(explore={"hours": "50%"}, **SENT_LATER | {"hold_out": "20%"}))
        if hour == 14
    ]
    held_out = sum(each.action is Action.CONTROL for each in found)

    assert {each.action for each in found} == {Action.SEND, Action.CONTROL}
    assert binomtest(held_out, len(found), 0.2).pvalue > 0.001
    assert {each.draws.hour.probability for each in found} == {0.5 / 14}
