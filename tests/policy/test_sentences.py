"""A trigger reads like a sentence."""

import pytest

from policy.sentences import sentence
from policy.source import parse

CHANCE = "the chance of a purchase within 24h is at least 25 %"
ONCE = "at most once in 7 days to one person"
LIVE = "mode: live, hold_out: 0"
GUARDS = """{cap: {count: 3, window: 7d}, quiet_hours: {from: "21:00", to: "08:00"}, gap_after_purchase: 2d,
  not_while_browsing: true}"""


def said(fields):
    basics = "name: a, on: Product Added, threshold: 25%, cool_down: 7d"
    return sentence(parse(f"triggers:\n- {{{basics}, {fields}}}").triggers[0])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            "mode: dry_run",
            (
                f"At Product Added, send a marketing message by webhook to default if {CHANCE}; {ONCE}; "
                "never to the 10 % held out; all of it in dry run, so nothing is sent."
            ),
        ),
        (
            "mode: test_profiles, hold_out: 0, after: 30 min, enrol: existing",
            (
                f"30 minutes after Product Added, send a marketing message by webhook to default if {CHANCE}; {ONCE}; "
                "really sent to test users only, and for everybody else in dry run; "
                "whoever waits already when it begins is enrolled, 1,000 an hour at most."
            ),
        ),
        (
            f"after: 30 min, cancel_on: Order Completed, key: cart, {LIVE}",
            (
                "30 minutes after Product Added, for each cart, unless Order Completed happened, "
                f"send a marketing message by webhook to default if {CHANCE}; at most once in 7 days about one cart."
            ),
        ),
        (
            "inactive_for: 14d, class: transactional, mode: live, channel: email, endpoint: mail",
            (
                "When the person was not seen for 14 days after Product Added, "
                f"send a transactional message by email to mail; {ONCE}."
            ),
        ),
        (
            f"{LIVE}, channel: sms, when: {{event: {{property: price, at_least: 20}}}}, guards: {GUARDS}",
            (
                "At Product Added, send a marketing message by sms to default "
                f"if the event's price is at least 20, and {CHANCE}; {ONCE}; only to who agreed to marketing; "
                "no more than 3 messages in all within 7 days; not between 21:00 and 08:00 of their day; "
                "not within 2 days of an order; not during a visit."
            ),
        ),
    ],
)
def test_a_trigger_is_explained_in_one_sentence(fields, words):
    assert said(fields) == words
