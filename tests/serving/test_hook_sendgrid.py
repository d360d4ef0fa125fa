"""What SendGrid posts, signed with a key made here."""

import json

import pytest

from features.events import BadEvent
from serving.errors import SignatureRefused, UnreadableBody
from serving.hook_sendgrid import SendGrid
from tests.serving.webhooks import (
    AT,
    DECISION,
    received,
    reports,
    sendgrid_event,
    sendgrid_headers,
    sendgrid_public_key,
)


@pytest.fixture
def hook():
    return SendGrid(sendgrid_public_key())


def signed(events):
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    return received(body, **{name.replace("-", "_"): value for name, value in sendgrid_headers(body).items()})


@pytest.mark.parametrize(
    ("event", "more", "name", "properties"),
    [
        ("delivered", {"response": "250 OK"}, "Email Delivered", {}),
        ("open", {"useragent": "Mozilla/4.0", "ip": "255.255.255.255"}, "Email Opened", {}),
        ("open", {"sg_machine_open": True}, "Email Opened", {"machine": True}),
        ("open", {"sg_machine_open": False}, "Email Opened", {}),
        ("click", {"url": "https://shop.example/a"}, "Email Link Clicked", {"url": "https://shop.example/a"}),
        (
            "bounce",
            {"reason": "500 unknown recipient", "status": "5.0.0", "type": "bounce"},
            "Email Bounced",
            {"bounce_type": "permanent", "reason": "500 unknown recipient"},
        ),
        ("bounce", {"type": "blocked"}, "Email Bounced", {"bounce_type": "transient"}),
        (
            "dropped",
            {"reason": "Bounced Address", "status": "5.0.0"},
            "Email Bounced",
            {"bounce_type": "permanent", "reason": "Bounced Address"},
        ),
        (
            "dropped",
            {"reason": "Unsubscribed Address"},
            "Email Bounced",
            {"bounce_type": "transient", "reason": "Unsubscribed Address"},
        ),
        ("spamreport", {}, "Email Marked as Spam", {}),
        ("unsubscribe", {}, "Unsubscribed", {}),
        ("group_unsubscribe", {"asm_group_id": 10}, "Unsubscribed", {"list_id": "10"}),
    ],
)
def test_each_event_becomes_one_of_ours(hook, event, more, name, properties):
    [report] = reports(hook, signed([sendgrid_event(event, **more)]))

    said = {key: value for key, value in report.properties.items() if value is not None}
    own = {"provider": "sendgrid", "provider_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"}
    assert (report.what, report.decision_id, report.address, report.at) == (name, DECISION, "ann@example.org", AT)
    assert said == own | properties


@pytest.mark.parametrize("event", ["processed", "deferred", "group_resubscribe", "account_status_change"])
def test_what_is_on_its_way_is_nothing_to_us(hook, event):
    assert reports(hook, signed([sendgrid_event(event)])) == []


def test_an_event_has_the_same_id_whenever_it_is_told_and_another_one_has_another(hook):
    twice = [sendgrid_event("open"), sendgrid_event("open"), sendgrid_event("open", 2)]

    first, again, other = (each.message_id for each in reports(hook, signed(twice)))

    assert first == again != other
    assert len(first) <= 100


def test_what_is_not_signed_by_the_key_is_refused(hook):
    body = json.dumps([sendgrid_event("open")]).encode()
    good = {name.replace("-", "_"): value for name, value in sendgrid_headers(body).items()}
    signature, timestamp = good

    for headers in ({}, {**good, timestamp: "1772471101"}, {**good, signature: "AAAA"}, {**good, signature: "é"}):
        with pytest.raises(SignatureRefused):
            hook.opened(received(body, **headers))
    with pytest.raises(SignatureRefused):
        hook.opened(received(body + b" ", **good))
    assert len(hook.opened(received(body, **good))) == 1


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"sg_event_id": None}, "sg_event_id"),
        ({"email": ["a"]}, "email"),
        ({"decision_id": {}}, "decision_id"),
        ({"useragent": 1.5}, "useragent"),
    ],
)
def test_a_field_that_cannot_be_meant_is_named(hook, broken, field):
    with pytest.raises(BadEvent) as bad:
        reports(hook, signed([sendgrid_event("open", **broken)]))

    assert bad.value.field == field


def test_a_body_that_is_no_list_is_refused(hook):
    with pytest.raises(BadEvent, match="list"):
        hook.opened(signed({}))
    with pytest.raises(UnreadableBody):
        hook.opened(signed(b"["))


@pytest.mark.parametrize("key", ["", "AAAA", "not base64!", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"])
def test_a_key_that_is_none_is_refused_at_once(key):
    with pytest.raises(ValueError, match="public key"):
        SendGrid(key)
