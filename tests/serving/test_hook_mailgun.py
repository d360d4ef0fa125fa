"""What Mailgun posts, signed with its key."""

from datetime import timedelta

import pytest

from features.events import BadEvent
from serving.errors import SignatureRefused
from serving.hook_mailgun import Mailgun
from tests.serving.webhooks import AT, DECISION, MAILGUN_KEY, mailgun, received, reports

HOUR_US = 3600 * 1_000_000


@pytest.fixture
def hook():
    return Mailgun(MAILGUN_KEY)


@pytest.mark.parametrize(
    ("event", "more", "name", "properties"),
    [
        ("delivered", {"delivery-status": {"code": 250}}, "Email Delivered", {}),
        ("opened", {}, "Email Opened", {}),
        ("opened", {"client-info": {"bot": "apple", "user-agent": "Mozilla/5.0"}}, "Email Opened", {"machine": True}),
        ("clicked", {"url": "https://shop.example/a"}, "Email Link Clicked", {"url": "https://shop.example/a"}),
        (
            "failed",
            {"severity": "permanent", "reason": "suppress-bounce"},
            "Email Bounced",
            {"bounce_type": "permanent", "reason": "suppress-bounce"},
        ),
        ("complained", {}, "Email Marked as Spam", {}),
        ("unsubscribed", {}, "Unsubscribed", {}),
    ],
)
def test_each_event_becomes_one_of_ours(hook, event, more, name, properties):
    [report] = reports(hook, received(mailgun(event, **more)))

    said = {key: value for key, value in report.properties.items() if value is not None}
    own = {"provider": "mailgun", "provider_message_id": "20130503182626.18666.16540@shop.example"}
    assert (report.what, report.decision_id, report.address, report.at) == (name, DECISION, "ann@example.org", AT)
    assert said == own | properties


@pytest.mark.parametrize(("event", "more"), [("accepted", {}), ("failed", {"severity": "temporary"}), ("stored", {})])
def test_what_mailgun_goes_on_with_is_nothing_to_us(hook, event, more):
    assert reports(hook, received(mailgun(event, **more))) == []


def test_variables_may_be_an_empty_list(hook):
    [report] = reports(hook, received(mailgun("opened", **{"user-variables": []})))

    assert report.decision_id is None


@pytest.mark.parametrize("wrong", [mailgun("opened", key="another"), mailgun("opened", signed="00" * 32)])
def test_another_signature_is_refused(hook, wrong):
    with pytest.raises(SignatureRefused):
        hook.opened(received(wrong))


@pytest.mark.parametrize(("hours", "is_taken"), [(-13, False), (-11, True), (0, True), (11, True), (13, False)])
def test_a_signature_counts_within_its_window(hook, hours, is_taken):
    request = received(mailgun("opened"), at=AT + hours * HOUR_US)

    if is_taken:
        assert hook.opened(request)
    else:
        with pytest.raises(SignatureRefused, match="old"):
            hook.opened(request)


def test_the_window_is_as_told():
    with pytest.raises(SignatureRefused, match="old"):
        Mailgun(MAILGUN_KEY, timedelta(minutes=5)).opened(received(mailgun("opened"), at=AT + HOUR_US))


def test_a_token_carries_one_event_as_often_as_that_is_told_again(hook):
    assert hook.opened(received(mailgun("opened"))) == hook.opened(received(mailgun("opened")))

    with pytest.raises(SignatureRefused, match="used before"):
        hook.opened(received(mailgun("unsubscribed")))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "event-data"),
        ({"event-data": {}}, "signature"),
        ({"event-data": 7, "signature": {}}, "event-data"),
        ({"event-data": {}, "signature": {"timestamp": "x"}}, "signature.token"),
        ([], "body"),
        (mailgun("opened", timestamp="soon"), "event-data.timestamp"),
        (mailgun("opened", id=None), "event-data.id"),
        (mailgun("opened", message={"headers": []}), "event-data.message.headers"),
        (mailgun("opened", **{"client-info": "Chrome"}), "event-data.client-info"),
    ],
)
def test_a_place_that_cannot_be_meant_is_named(hook, body, field):
    with pytest.raises(BadEvent) as bad:
        reports(hook, received(body))

    assert bad.value.field == field
