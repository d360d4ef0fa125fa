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
            "mode: live, hold_out: 20%, experiment: spring",
            (
                f"At Product Added, send a marketing message by webhook to default if {CHANCE}; {ONCE}; "
                "never to the 20 % held out for the experiment spring."
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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("channel: {prefer: [email, sms]}", "send a marketing message by email, else by sms, to default if"),
        ("channel: {together: [email, webhook]}", "send a marketing message by email and by webhook to default if"),
        ("send_within: 8h", "; put off where only the moment is wrong, by 8 hours at most."),
        ("send_within: 24h, send: best_hour", "; at the best hour of their day within 1 day."),
        (
            "send_within: 24h, send: best_hour, half_life: 6 hours",
            "; at the best hour of their day within 1 day, its worth halved every 6 hours.",
        ),
        ("key: product", "at most once in 7 days about one product."),
        (
            "steps: [{after: 24h, channel: sms, when: {response: {is: opened}}, threshold: 50%}]",
            (
                ". Step 1, 1 day later: another by sms to default if the last message was opened, and the chance of a "
                "purchase within 24h is at least 50 %."
            ),
        ),
        (
            (
                "steps: [{after: 1h, when: {response: {is: delivered}}, branches: ["
                "{when: {response: {is: opened}}, endpoint: m}, {when: {response: {is: clicked}}, channel: push}]}], "
                "exit_when: {intent: {less_than: 1%}}"
            ),
            (
                ". Step 1, 1 hour later: another if the last message was delivered, by webhook to m where the last "
                "message was opened, else by push to default where the last message was clicked. The steps end once "
                "the chance of a purchase within 24h is less than 1 %."
            ),
        ),
    ],
)
def test_channels_moments_and_steps_are_told(fields, words):
    assert words in said(f"{fields}, {LIVE}")
