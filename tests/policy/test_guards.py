"""What guards say, and in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.caps import Sent
from policy.guards import CHANNELS, Guards, Standing, next_allowed
from policy.reasons import Reason
from tests.policy.persons import objection, words

HOUR = 3_600_000_000
NOON = 1_700_049_600_000_000  # 2023-11-15, 12:00 UTC
EVERYTHING = Guards.model_validate(
    {
        "consent": "opt_in",
        "gap_after_purchase": "2h",
        "not_while_browsing": True,
        "cap": {"count": 1, "window": "1h"},
        "quiet_hours": {"from": "11:00", "to": "13:00"},
    }
)
AGAINST = {
    "suppressed": {"email": "bounced"},
    "consents": {("marketing", "email"): False},
    "last_order_at": NOON - HOUR,
    "last_event_at": NOON,
    "sends": [Sent(NOON, "sms", "other")],
    "timezone": "UTC",
}
ORDER = ["suppressed", "no_consent", "bought_recently", "still_browsing", "capped", "quiet_hours"]
IN_FAVOUR = {
    "suppressed": {},
    "consents": {("marketing", "*"): True},
    "last_order_at": None,
    "last_event_at": None,
    "sends": [],
    "timezone": "Asia/Tokyo",
}


def ask(guards, *, channel="email", message_class="marketing", at=NOON, **standing):
    said = words(standing.pop("consents", {}))
    standing = Standing(consents=said, **standing)
    return objection(guards, standing, channel=channel, message_class=message_class, trigger="t", at=at)


@pytest.mark.parametrize("mended", range(7))
def test_guards_are_asked_in_one_order_and_the_first_objection_is_the_reason(mended):
    settled = dict(list(IN_FAVOUR.items())[:mended])
    found = ask(EVERYTHING, **AGAINST | settled)

    assert found == ([*map(Reason, ORDER), None][mended])


@given(chosen=st.sets(st.sampled_from(list(AGAINST))))
def test_nothing_is_sent_while_anything_stands_against_it(chosen):
    found = ask(EVERYTHING, **IN_FAVOUR | {name: AGAINST[name] for name in chosen})
    expected = next((reason for name, reason in zip(AGAINST, ORDER, strict=True) if name in chosen), None)

    assert found == expected


def test_guards_that_are_not_set_object_to_nothing_on_a_webhook():
    assert ask(Guards(), channel="webhook", **AGAINST | {"suppressed": {}}) is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_transactional_message_escapes_all_but_a_dead_address(channel):
    asked = {"channel": channel, "message_class": "transactional"}

    assert ask(EVERYTHING, **asked, **AGAINST | {"suppressed": {"*": "unsubscribed"}}) is None
    assert ask(EVERYTHING, **asked, **AGAINST | {"suppressed": {"*": "manual"}}) == Reason.SUPPRESSED


@pytest.mark.parametrize(
    ("basis", "said", "reason"),
    [
        ("opt_in", None, Reason.NO_CONSENT),
        ("opt_in", True, None),
        ("opt_in", False, Reason.NO_CONSENT),
        ("legitimate_interest", None, None),
        ("legitimate_interest", False, Reason.NO_CONSENT),
        ("none", False, None),
    ],
)
@pytest.mark.parametrize("channel", CHANNELS)
def test_each_basis_asks_for_another_word(basis, said, reason, channel):
    consents = {} if said is None else {("marketing", "*"): said}

    assert ask(Guards(consent=basis), channel=channel, consents=consents) == reason


@pytest.mark.parametrize(("channel", "reason"), [(c, Reason.NO_CONSENT) for c in CHANNELS[1:]] + [("webhook", None)])
def test_by_default_a_channel_of_our_own_needs_a_yes_and_a_webhook_does_not(channel, reason):
    assert ask(Guards(), channel=channel) == reason


def test_a_word_on_a_channel_goes_before_one_on_all_and_another_purpose_says_nothing():
    said = {("marketing", "*"): False, ("marketing", "sms"): True, ("news", "*"): True}

    assert ask(Guards(), channel="sms", consents=said) is None
    assert ask(Guards(), channel="email", consents=said) == Reason.NO_CONSENT
    assert ask(Guards(purpose="news"), channel="email", consents=said) is None


def test_what_is_suppressed_on_one_channel_may_go_out_on_another_but_not_by_webhook():
    barred = {"email": "bounced"}
    free = Guards(consent="none")

    assert [ask(free, channel=each, suppressed=barred) for each in ("sms", "push")] == [None, None]
    assert [ask(free, channel=each, suppressed=barred) for each in ("email", "webhook")] == [Reason.SUPPRESSED] * 2


@pytest.mark.parametrize(
    ("unknown", "reason"),
    [
        ({}, Reason.UNKNOWN_ZONE),
        ({"unknown_zone": "hold"}, Reason.UNKNOWN_ZONE),
        ({"unknown_zone": "assume", "zone": "Asia/Tokyo"}, Reason.QUIET_HOURS),
        ({"unknown_zone": "assume", "zone": "Europe/Berlin"}, None),
        ({"unknown_zone": "shop_zone"}, Reason.QUIET_HOURS),
    ],
)
def test_an_unknown_zone_is_dealt_with_as_the_policy_says(unknown, reason):
    guards = Guards.model_validate({"quiet_hours": {"from": "21:00", "to": "08:00"} | unknown})
    standing = {"shop_zone": "Asia/Tokyo"}

    assert ask(guards, channel="webhook", **standing) == reason
    # It was a name of a zone until 2020.
    assert ask(guards, channel="webhook", timezone="US/Pacific-New", **standing) == reason
    assert ask(guards, channel="webhook", timezone="Europe/London", **standing) is None


def test_the_next_moment_is_the_end_of_the_quiet_hours_where_the_person_lives():
    guards = Guards.model_validate({"quiet_hours": {"from": "21:00", "to": "08:00"}})

    assert next_allowed(guards, Standing(timezone="Asia/Tokyo"), NOON) == NOON + 11 * HOUR
    assert next_allowed(guards, Standing(timezone="Europe/London"), NOON) == NOON
    assert next_allowed(guards, Standing(), NOON) is None
    assert next_allowed(Guards(), Standing(), NOON) == NOON
