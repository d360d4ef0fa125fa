"""What stands against a message in the instant at which it would go out."""

import pytest
from msgspec.structs import replace

from policy.caps import Sent
from policy.departure import Departing, Objection, objection
from policy.guards import SESSION_GAP_US, Standing
from policy.reasons import Reason
from policy.triggers import Trigger
from tests.policy.persons import words

HOUR = 3_600_000_000
NOON = 1_700_049_600_000_000
"""2023-11-15, 12:00 UTC."""
FIELDS = {"name": "cart", "on": "Product Added", "threshold": 0, "cool_down": 0, "mode": "live"}
KNOWN = Standing(timezone="Europe/London")


def trigger(**fields):
    return Trigger(**FIELDS | fields)


def departing(of, **fields):
    return Departing(of, **{"channel": "webhook", "decided_at": NOON - HOUR} | fields)


def asked(of, standing=KNOWN, *, at=NOON, **fields):
    """Return what objects, without what each guard said."""
    found = objection(departing(of, **fields), standing, at=at)
    return found and found._replace(findings=())


def test_nothing_stands_against_a_message_of_which_nothing_changed():
    assert asked(trigger()) is None


@pytest.mark.parametrize("of", [None, trigger(mode="dry_run"), trigger(mode="test_profiles")])
def test_whose_trigger_is_gone_or_sends_no_more_does_not_go_out(of):
    assert asked(of) == Objection(Reason.POLICY_CHANGED)


def test_a_trigger_for_test_users_sends_to_them_and_any_other_to_nobody_who_is_excluded():
    assert asked(trigger(mode="test_profiles"), excluded="test") is None
    assert asked(trigger(mode="test_profiles"), excluded="bot") == Objection(Reason.POLICY_CHANGED)
    assert asked(trigger(), excluded="bot") == Objection(Reason.EXCLUDED_USER)


def test_what_was_cancelled_does_not_go_out():
    assert asked(trigger(), is_cancelled=True) == Objection(Reason.CANCELLED)


def test_consent_and_suppression_are_those_of_the_channel_that_was_settled():
    said = replace(KNOWN, consents=words({("marketing", "sms"): True}), suppressed={"email": "bounced"})

    assert asked(trigger(channel="email"), said, channel="sms") is None
    assert asked(trigger(channel="sms"), said, channel="email") == Objection(Reason.SUPPRESSED)
    assert asked(trigger(channel="sms"), said, channel="push") == Objection(Reason.NO_CONSENT)


def test_a_transactional_message_goes_out_by_night_and_to_whoever_unsubscribed_and_not_to_a_dead_address():
    of = trigger(**{"class": "transactional"}, guards={"quiet_hours": {"from": "00:00", "to": "23:59"}})
    unsubscribed = replace(KNOWN, suppressed={"*": "unsubscribed"})

    assert asked(of, unsubscribed) is None
    assert asked(of, replace(KNOWN, suppressed={"*": "bounced"})) == Objection(Reason.SUPPRESSED)


def test_quiet_hours_put_off_until_they_end_and_a_visit_until_it_is_over():
    quiet = trigger(guards={"quiet_hours": {"from": "11:00", "to": "14:00"}})
    visiting = trigger(guards={"not_while_browsing": True})

    assert asked(quiet) == Objection(Reason.QUIET_HOURS, NOON + 2 * HOUR)
    assert asked(quiet, Standing()) == Objection(Reason.UNKNOWN_ZONE)
    seen = replace(KNOWN, last_event_at=NOON - 1)
    assert asked(visiting, seen) == Objection(Reason.STILL_BROWSING, NOON - 1 + SESSION_GAP_US)


def test_a_purchase_within_the_gap_takes_it_back():
    of = trigger(guards={"gap_after_purchase": "2h"})

    assert asked(of, replace(KNOWN, last_order_at=NOON - HOUR)) == Objection(Reason.BOUGHT_RECENTLY)
    assert asked(of, replace(KNOWN, last_order_at=NOON - 2 * HOUR)) is None


@pytest.mark.parametrize(("earlier", "later", "found"), [(1, 5, None), (2, 0, Objection(Reason.CAPPED))])
def test_caps_count_what_was_decided_before_and_not_what_came_later(earlier, later, found):
    of = trigger(guards={"cap": {"count": 2, "window": "1d"}})
    decided_at = NOON - HOUR
    sends = [Sent(decided_at - 1 - n, "webhook", "other") for n in range(earlier)]
    sends += [Sent(decided_at, "webhook", "cart"), *(Sent(decided_at + 1 + n, "webhook", "x") for n in range(later))]

    assert asked(of, replace(KNOWN, sends=sends)) == found


def test_what_each_guard_said_is_told_with_the_objection():
    of = trigger(
        channel="sms", guards={"cap": {"count": 1, "window": "1d"}, "quiet_hours": {"from": "11:00", "to": "13:00"}}
    )
    standing = replace(KNOWN, consents=words({("marketing", "sms"): True}, at=7))

    found = objection(departing(of, channel="sms"), standing, at=NOON).findings

    assert [(each.guard, each.objection) for each in found] == [
        ("suppression", None),
        ("consent", None),
        ("cap", None),
        ("quiet_hours", Reason.QUIET_HOURS),
    ]
    assert objection(departing(of, channel="sms"), KNOWN, at=NOON).findings[-1].objection is Reason.NO_CONSENT


def test_messages_that_came_later_are_not_among_those_a_cap_counted():
    of = trigger(guards={"cap": {"count": 1, "window": "1d"}})
    sends = [Sent(NOON - HOUR - 1, "webhook", "other"), Sent(NOON - HOUR + 1, "webhook", "other")]

    [_, cap] = objection(departing(of), replace(KNOWN, sends=sends), at=NOON).findings

    assert cap.facts == (1, 1, 24 * HOUR)
