"""What Postmark posts, with the credentials in its address."""

import pytest

from features.events import BadEvent
from serving.errors import SignatureRefused
from serving.hook_postmark import Postmark
from tests.serving.webhooks import AT, DECISION, basic, postmark, received, reports

WHEN = "2026-03-02T17:05:00.0000000Z"
GOOD = basic("opportune", "pass:word")


@pytest.fixture
def hook():
    return Postmark("opportune", "pass:word")


@pytest.mark.parametrize(
    ("record", "more", "name", "properties"),
    [
        ("Delivery", {"Recipient": "ann@example.org", "DeliveredAt": WHEN}, "Email Delivered", {}),
        ("Open", {"FirstOpen": True, "Recipient": "ann@example.org", "ReceivedAt": WHEN}, "Email Opened", {}),
        (
            "Click",
            {"OriginalLink": "https://shop.example/a", "Recipient": "ann@example.org", "ReceivedAt": WHEN},
            "Email Link Clicked",
            {"url": "https://shop.example/a"},
        ),
        (
            "Bounce",
            {"Type": "HardBounce", "Inactive": True, "Email": "ann@example.org", "BouncedAt": WHEN},
            "Email Bounced",
            {"bounce_type": "permanent"},
        ),
        (
            "Bounce",
            {"Type": "SoftBounce", "Inactive": False, "Email": "ann@example.org", "BouncedAt": WHEN},
            "Email Bounced",
            {"bounce_type": "transient"},
        ),
        ("SpamComplaint", {"Email": "ann@example.org", "BouncedAt": WHEN}, "Email Marked as Spam", {}),
        (
            "SubscriptionChange",
            {
                "Recipient": "ann@example.org",
                "ChangedAt": WHEN,
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
            },
            "Unsubscribed",
            {},
        ),
        (
            "SubscriptionChange",
            {
                "Recipient": "ann@example.org",
                "ChangedAt": WHEN,
                "SuppressSending": True,
                "SuppressionReason": "HardBounce",
            },
            "Email Bounced",
            {"bounce_type": "permanent"},
        ),
    ],
)
def test_each_record_becomes_one_of_our_events(hook, record, more, name, properties):
    [report] = reports(hook, received(postmark(record, **more), Authorization=GOOD))

    said = {key: value for key, value in report.properties.items() if value is not None}
    own = {"provider": "postmark", "provider_message_id": "883953f4-6105-42a2-a16a-77a8eac79483"}
    assert (report.what, report.decision_id, report.address, report.at) == (name, DECISION, "ann@example.org", AT)
    assert said == own | properties


def test_who_is_written_to_again_and_unknown_records_are_nothing_to_us(hook):
    again = postmark("SubscriptionChange", Recipient="ann@example.org", ChangedAt=WHEN, SuppressSending=False)

    assert reports(hook, received(again, Authorization=GOOD)) == []
    assert reports(hook, received(postmark("Inbound"), Authorization=GOOD)) == []


def test_two_links_are_two_clicks_and_the_same_told_twice_is_one(hook):
    def clicked(link):
        body = postmark("Click", OriginalLink=link, Recipient="ann@example.org", ReceivedAt=WHEN)
        return reports(hook, received(body, Authorization=GOOD))[0].message_id

    assert clicked("https://a.example") == clicked("https://a.example") != clicked("https://b.example")


@pytest.mark.parametrize("told", [None, "", "Basic", "Bearer x", basic("opportune", "x"), basic("x", "pass:word")])
def test_other_credentials_are_refused(hook, told):
    headers = {} if told is None else {"Authorization": told}
    with pytest.raises(SignatureRefused):
        hook.opened(received(postmark("Open"), **headers))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "RecordType"),
        (postmark("Open", Recipient="a@b.example"), "ReceivedAt"),
        (postmark("Open", Recipient="a@b.example", ReceivedAt="soon"), "ReceivedAt"),
        (postmark("Open", Recipient=[], ReceivedAt=WHEN), "Recipient"),
        (postmark("Open", ReceivedAt=WHEN, Metadata=[1]), "Metadata"),
        (postmark("Open", ReceivedAt=WHEN, Metadata={"decision_id": []}), "Metadata.decision_id"),
    ],
)
def test_a_place_that_cannot_be_meant_is_named(hook, body, field):
    with pytest.raises(BadEvent) as bad:
        reports(hook, received(body, Authorization=GOOD))

    assert bad.value.field == field
