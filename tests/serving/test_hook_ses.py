"""What SES tells through SNS, signed with a key and a certificate made here."""

import logging

import pytest

from features.events import BadEvent
from serving.errors import SignatureRefused
from serving.hook_ses import Ses
from tests.serving.webhooks import AT, CERTIFICATE, DECISION, TOPIC, received, reports, ses, sns, sns_certificate


@pytest.fixture
def hook():
    return Ses([TOPIC], {CERTIFICATE: sns_certificate()}.get)


@pytest.mark.parametrize(
    ("event", "details", "name", "properties"),
    [
        ("Delivery", {"recipients": ["ann@example.org"]}, "Email Delivered", {}),
        ("Open", {"userAgent": "Mozilla/5.0 (iPhone)", "ipAddress": "192.0.2.1"}, "Email Opened", {}),
        ("Click", {"link": "https://shop.example/a"}, "Email Link Clicked", {"url": "https://shop.example/a"}),
        (
            "Bounce",
            {
                "bounceType": "Permanent",
                "bouncedRecipients": [{"emailAddress": "Ann@example.org", "diagnosticCode": "smtp; 550 5.1.1"}],
            },
            "Email Bounced",
            {"bounce_type": "permanent", "reason": "smtp; 550 5.1.1"},
        ),
        (
            "Bounce",
            {"bounceType": "Undetermined", "bouncedRecipients": [{"emailAddress": "ann@example.org"}]},
            "Email Bounced",
            {"bounce_type": "transient"},
        ),
        ("Complaint", {"complainedRecipients": [{"emailAddress": "ann@example.org"}]}, "Email Marked as Spam", {}),
        ("Subscription", {"newTopicPreferences": {"unsubscribeAll": True}}, "Unsubscribed", {}),
    ],
)
def test_each_event_becomes_one_of_ours(hook, event, details, name, properties):
    [report] = reports(hook, received(sns(ses(event, **details))))

    said = {key: value for key, value in report.properties.items() if value is not None}
    own = {
        "provider": "ses",
        "provider_message_id": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
    }
    assert (report.what, report.decision_id, report.address) == (name, DECISION, "ann@example.org")
    assert report.at == AT + 669_000
    assert said == own | properties


@pytest.mark.parametrize("event", ["Send", "Reject", "DeliveryDelay", "Rendering Failure"])
def test_what_is_on_its_way_is_nothing_to_us(hook, event):
    assert reports(hook, received(sns(ses(event)))) == []


def test_feedback_of_an_identity_is_understood_too(hook):
    told = ses("Complaint", complainedRecipients=[{"emailAddress": "ann@example.org"}])
    told["notificationType"] = told.pop("eventType")

    [report] = reports(hook, received(sns(told)))

    assert report.what == "Email Marked as Spam"


def test_each_recipient_of_a_bounce_has_a_report_of_their_own(hook):
    both = [{"emailAddress": "ann@example.org"}, {"emailAddress": "bob@example.org"}]
    request = received(sns(ses("Bounce", bounceType="Permanent", bouncedRecipients=both)))

    first, second = reports(hook, request)

    assert [first.address, second.address] == ["ann@example.org", "bob@example.org"]
    assert first.message_id != second.message_id
    assert [each.message_id for each in reports(hook, request)] == [first.message_id, second.message_id]


@pytest.mark.parametrize("told", ["Ann <Ann@example.org>", '"Ann <A.>, again" <ann@example.org>', "<ann@example.org>"])
def test_an_address_may_stand_behind_a_name(hook, told):
    [report] = reports(hook, received(sns(ses("Bounce", bouncedRecipients=[{"emailAddress": told}]))))

    assert report.address == "ann@example.org"


@pytest.mark.parametrize(
    "message",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed …"},
    ],
)
def test_that_a_topic_was_set_up_is_nothing_to_us(hook, message):
    assert reports(hook, received(sns(message))) == []


@pytest.mark.parametrize("subscribed", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_the_question_whether_to_subscribe_is_only_logged_with_its_address(hook, caplog, subscribed):
    address = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f"
    told = sns("You have chosen to subscribe", kind=subscribed, SubscribeURL=address, Token="2336412f")

    with caplog.at_level(logging.WARNING):
        assert hook.opened(received(told)) == []

    assert TOPIC in caplog.text
    assert (address in caplog.text) == (subscribed == "SubscriptionConfirmation")


def test_an_address_to_confirm_that_is_not_amazons_is_not_shown(hook, caplog):
    told = sns("?", kind="SubscriptionConfirmation", SubscribeURL="https://evil.example/", Token="1")

    with caplog.at_level(logging.WARNING):
        assert hook.opened(received(told)) == []

    assert "evil.example" not in caplog.text


def test_a_topic_of_somebody_else_is_refused_though_sns_signed_it(hook):
    with pytest.raises(SignatureRefused, match="topic"):
        hook.opened(received(sns(ses("Open"), topic="arn:aws:sns:eu-central-1:999999999999:mine")))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("not JSON", "Message"),
        ("[]", "body"),
        ("{}", "Message.notificationType"),
        ('{"eventType": "Open"}', "Message.mail"),
        ('{"eventType": "Open", "mail": {"destination": "ann"}}', "Message.mail.destination"),
        ('{"eventType": "Open", "mail": {"destination": ["a@b.example"]}}', "Message.open.timestamp"),
        ('{"eventType": "Bounce", "mail": {}, "bounce": {}}', "Message.bounce.bouncedRecipients"),
        (
            '{"eventType": "Bounce", "mail": {}, "bounce": {"bouncedRecipients": [1]}}',
            "Message.bounce.bouncedRecipients[0]",
        ),
    ],
)
def test_a_place_that_cannot_be_meant_is_named(hook, message, field):
    with pytest.raises(BadEvent) as bad:
        reports(hook, received(sns(message)))

    assert bad.value.field == field
