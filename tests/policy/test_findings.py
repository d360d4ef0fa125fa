"""What every guard said: all of them, and the same as the one objection that a decision needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.caps import Sent
from policy.decide import decide
from policy.findings import Finding, findings, of_channel
from policy.guards import CHANNELS, SESSION_GAP_US, Standing
from policy.reasons import Reason
from policy.runs import AT_ONCE, Run
from tests.policy.persons import DAY, HOUR, objection, words
from tests.policy.test_decide import a_trigger, some_facts

NOON = 1_700_049_600_000_000
"""2023-11-15, 12:00 UTC."""
ALL = {
    "consent": "opt_in",
    "gap_after_purchase": "2h",
    "not_while_browsing": True,
    "cap": {"count": 2, "window": "7d"},
    "cap_per_channel": {"count": 2, "window": "1d"},
    "cap_per_trigger": {"count": 1, "window": "1h"},
    "quiet_hours": {"from": "11:00", "to": "13:00"},
}
AGREED = words({("marketing", "email"): True, ("marketing", "sms"): False}, at=NOON - DAY)
CALM = Standing(consents=AGREED, timezone="Asia/Tokyo")
moments = st.integers(NOON - 2 * DAY, NOON)
sent = st.builds(Sent, moments, st.sampled_from(CHANNELS), st.sampled_from(["warm-cart", "other"]))
standings = st.builds(
    Standing,
    consents=st.dictionaries(
        st.tuples(st.just("marketing"), st.sampled_from(["*", "email", "sms"])), st.booleans(), max_size=2
    ).map(words),
    suppressed=st.dictionaries(
        st.sampled_from(["*", "email", "sms"]), st.sampled_from(["bounced", "unsubscribed"]), max_size=1
    ),
    sends=st.lists(sent, max_size=3),
    last_order_at=st.none() | moments,
    last_event_at=st.none() | moments,
    timezone=st.sampled_from([None, "Asia/Tokyo", "Europe/London"]),
)
some_guards = st.sets(st.sampled_from(sorted(ALL))).map(lambda names: {name: ALL[name] for name in names})
classes = st.sampled_from(["marketing", "transactional"])


def ask(standing, run=AT_ONCE, *, at=NOON, **fields):
    """Return the decision on somebody, and what each guard said."""
    trigger = a_trigger(**fields)
    facts = some_facts(standing=standing, at=at, event_at=at)
    verdict = decide(trigger, facts, run)
    return verdict, findings(trigger, facts, run, verdict)


def against(found):
    return [(each.guard, each.channel) for each in found if each.objection]


@given(standing=standings, guards=some_guards, channel=st.sampled_from(CHANNELS), message_class=classes)
def test_the_first_guard_that_objects_is_the_objection(standing, guards, channel, message_class):
    trigger = a_trigger(channel=channel, guards=guards, **{"class": message_class})

    first = next((each.objection for each in of_channel(trigger, standing, channel, NOON) if each.objection), None)

    asked = {"channel": channel, "message_class": message_class, "trigger": trigger.name, "at": NOON}
    assert first == objection(trigger.guards, standing, **asked)


@given(standing=standings, guards=some_guards, channels=st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True))
@pytest.mark.parametrize("how", ["prefer", "together"])
def test_a_channel_is_used_if_no_guard_speaks_against_it(how, standing, guards, channels):
    verdict, found = ask(standing, guards=guards, channel={how: channels})

    clear = [each for each in channels if not any(f.objection and f.channel in (None, each) for f in found)]
    assert list(verdict.channels) == (clear if how == "together" else clear[:1])


def test_each_guard_is_asked_though_another_one_objects():
    busy = replace(
        CALM,
        sends=[Sent(NOON - HOUR, "email", "other"), Sent(NOON - HOUR // 2, "email", "warm-cart")],
        last_order_at=NOON - HOUR,
        last_event_at=NOON - 1,
        timezone="Europe/London",
    )

    verdict, found = ask(busy, channel="email", guards=ALL)

    assert verdict.reason is Reason.BOUGHT_RECENTLY
    assert found == (
        Finding("suppression", "email", None),
        Finding("consent", "email", None, ("marketing", "opt_in", True, NOON - DAY)),
        Finding("gap_after_purchase", None, Reason.BOUGHT_RECENTLY, (2 * HOUR, NOON - HOUR)),
        Finding("not_while_browsing", None, Reason.STILL_BROWSING, (NOON - 1,)),
        Finding("cap", None, Reason.CAPPED, (2, 2, 7 * DAY)),
        Finding("cap_per_channel", "email", Reason.CAPPED, (2, 2, DAY)),
        Finding("cap_per_trigger", None, Reason.CAPPED, (1, 1, HOUR)),
        Finding("quiet_hours", None, Reason.QUIET_HOURS, ("11:00", "13:00", "Europe/London")),
    )


def test_what_was_sent_carries_what_its_guards_said_too():
    verdict, found = ask(CALM, channel="email", guards=ALL)

    assert verdict.reason is Reason.SENT
    assert [each.guard for each in found] == ["suppression", "consent", *list(ALL)[1:]]
    assert against(found) == []


def test_who_is_barred_is_told_of_suppression_and_consent_and_not_of_the_moment():
    unsubscribed = replace(CALM, suppressed={"sms": "unsubscribed"}, last_event_at=NOON)

    verdict, found = ask(unsubscribed, channel="sms", guards=ALL)

    assert verdict.reason is Reason.SUPPRESSED
    assert found == (
        Finding("suppression", "sms", Reason.SUPPRESSED, ("unsubscribed",)),
        Finding("consent", "sms", Reason.NO_CONSENT, ("marketing", "opt_in", False, NOON - DAY)),
    )


@pytest.mark.parametrize(
    "fields",
    [{"threshold": 0.9}, {"when": {"intent": {"at_least": "90%"}}}, {"guards": {}, "channel": "webhook"}],
)
def test_nothing_is_told_where_something_before_the_guards_decided_or_there_are_none(fields):
    assert ask(CALM, **{"channel": "email", "guards": ALL} | fields)[1] == ()


def test_of_a_trigger_without_guards_a_suppression_is_told_alone():
    bounced = Standing(suppressed={"push": "bounced"})

    assert ask(bounced)[1] == (Finding("suppression", "webhook", Reason.SUPPRESSED, ("bounced",)),)
    assert ask(bounced, channel="sms", guards={"consent": "none"})[1] == ()


def test_of_several_channels_together_each_counts_for_the_caps_of_those_after_it():
    several = {"channel": {"together": ["push", "webhook"]}, "guards": {"consent": "none", "cap": ALL["cap"]}}
    once = Standing(sends=[Sent(NOON - 1, "sms", "other")])

    verdict, found = ask(once, **several)

    assert verdict.channels == ("push",)
    assert [each for each in found if each.guard == "cap"] == [
        Finding("cap", "push", None, (1, 2, 7 * DAY)),
        Finding("cap", "webhook", Reason.CAPPED, (2, 2, 7 * DAY)),
    ]


def test_what_is_the_same_for_several_channels_is_told_once():
    _, found = ask(Standing(), channel={"prefer": ["push", "webhook"]}, guards={**ALL, "consent": "none"})

    assert [each.guard for each in found if each.channel is None] == [
        *("gap_after_purchase", "not_while_browsing", "cap", "cap_per_trigger", "quiet_hours")
    ]


def test_what_is_put_off_names_the_guard_and_the_moment():
    visiting = replace(CALM, last_event_at=NOON - 1)

    verdict, found = ask(visiting, channel="email", guards=ALL, send_within="8h")

    assert (verdict.reason, verdict.due_at) == (Reason.PUT_OFF, NOON - 1 + SESSION_GAP_US)
    assert against(found) == [("not_while_browsing", None)]


def test_the_best_hour_puts_off_where_no_guard_does_and_only_once():
    waiting = {"channel": "email", "guards": {"consent": "opt_in"}, "send": "best_hour", "send_within": "24h"}
    at_dawn = NOON + 7 * HOUR  # 04:00 in Tokyo

    put_off, found = ask(CALM, at=at_dawn, **waiting)
    again, then = ask(CALM, Run(is_due=True, first_at=at_dawn), at=put_off.due_at, **waiting)

    assert (put_off.reason, against(found)) == (Reason.PUT_OFF, [("best_hour", None)])
    assert (again.reason, [each.guard for each in then]) == (Reason.SENT, ["suppression", "consent"])


def test_a_transactional_message_is_asked_about_dead_addresses_alone():
    dead = replace(CALM, suppressed={"email": "bounced"}, last_event_at=NOON)
    fields = {"channel": "email", "guards": ALL, "class": "transactional"}

    assert ask(replace(dead, suppressed={"email": "unsubscribed"}), **fields)[1] == ()
    assert ask(dead, **fields)[1] == (Finding("suppression", "email", Reason.SUPPRESSED, ("bounced",)),)
