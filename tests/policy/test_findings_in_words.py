"""What guards said, as a marketer reads it."""

import pytest

from policy.findings import Finding
from policy.findings_in_words import all_in_words, finding_in_words
from policy.reasons import Reason
from tests.policy.persons import DAY, HOUR

NOON = 1_700_049_600_000_000
"""2023-11-15, 12:00 UTC."""
QUIET = ("21:00", "08:00")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Finding("suppression", "email", None), "nothing is suppressed by email"),
        (Finding("suppression", "email", Reason.SUPPRESSED, ("bounced",)), "suppressed by email: the address bounced"),
        (
            Finding("consent", "sms", None, ("marketing", "opt_in", True, NOON)),
            "consent to marketing by sms was given on 2023-11-15",
        ),
        (
            Finding("consent", "sms", Reason.NO_CONSENT, ("news", "opt_in", False, NOON)),
            "a refusal of news by sms was given on 2023-11-15",
        ),
        (
            Finding("consent", "sms", Reason.NO_CONSENT, ("news", "opt_in", None, None)),
            "nothing was said about news by sms, and a yes is needed",
        ),
        (
            Finding("consent", "sms", None, ("news", "legitimate_interest", None, None)),
            "nothing was said about news by sms, which takes no yes",
        ),
        (Finding("gap_after_purchase", None, None, (2 * DAY,)), "no order within 2 days"),
        (
            Finding("gap_after_purchase", None, Reason.BOUGHT_RECENTLY, (2 * DAY, NOON)),
            "ordered at 2023-11-15 12:00 UTC, less than 2 days ago",
        ),
        (Finding("not_while_browsing", None, None), "no visit under way"),
        (
            Finding("not_while_browsing", None, Reason.STILL_BROWSING, (NOON,)),
            "on a visit, last seen at 2023-11-15 12:00 UTC",
        ),
        (
            Finding("cap", None, Reason.CAPPED, (3, 2, 7 * DAY)),
            "3 of at most 2 messages of all triggers in the last 7 days",
        ),
        (Finding("cap", "sms", None, (0, 1, HOUR)), "0 of at most 1 message of all triggers by sms in the last 1 hour"),
        (Finding("cap_per_channel", "sms", None, (0, 3, DAY)), "0 of at most 3 messages by sms in the last 1 day"),
        (
            Finding("cap_per_trigger", None, None, (1, 2, DAY)),
            "1 of at most 2 messages of this trigger in the last 1 day",
        ),
        (
            Finding("quiet_hours", None, Reason.QUIET_HOURS, (*QUIET, "Asia/Tokyo")),
            "within the quiet hours from 21:00 to 08:00 in Asia/Tokyo",
        ),
        (
            Finding("quiet_hours", None, None, (*QUIET, "Asia/Tokyo")),
            "outside the quiet hours from 21:00 to 08:00 in Asia/Tokyo",
        ),
        (
            Finding("quiet_hours", None, Reason.UNKNOWN_ZONE, (*QUIET, None)),
            "quiet hours from 21:00 to 08:00, and it is not known where the person lives",
        ),
        (Finding("best_hour", None, Reason.PUT_OFF), "a better hour comes in time"),
        (Finding("best_hour", None, None), "no better hour was waited for"),
    ],
)
def test_each_guard_says_what_it_looked_at(found, said):
    assert finding_in_words(found) == said


def test_a_reason_for_suppression_that_nobody_foresaw_is_said_as_it_is():
    found = Finding("suppression", "email", Reason.SUPPRESSED, ("asked by telephone",))

    assert finding_in_words(found) == "suppressed by email: asked by telephone"


def test_what_objects_is_said_first():
    found = [
        Finding("consent", "email", None, ("marketing", "opt_in", True, NOON)),
        Finding("cap", None, Reason.CAPPED, (2, 2, 7 * DAY)),
        Finding("quiet_hours", None, None, (*QUIET, "Asia/Tokyo")),
    ]

    assert all_in_words(found) == (
        "Against it: 2 of at most 2 messages of all triggers in the last 7 days. "
        "Not against it: consent to marketing by email was given on 2023-11-15; "
        "outside the quiet hours from 21:00 to 08:00 in Asia/Tokyo."
    )
    assert all_in_words(found[:1]) == "Not against it: consent to marketing by email was given on 2023-11-15."
    assert all_in_words([]) == ""
