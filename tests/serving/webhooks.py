"""Requests of providers and shops, as their documentation shows them, signed with real keys made here."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from serving.hooks import Received

AT = 1_772_471_100_000_000
"""2026-03-02T17:05:00Z, in microseconds: the moment of the requests."""
DECISION = "0195f3a2b7c40000.warm-cart"
MAILGUN_KEY = "key-d1e2f3"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1f2e.pem"


def received(body, at=AT, **headers):
    """A request as a hook sees it; names of headers with underscores."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Received(body, {name.replace("_", "-").lower(): value for name, value in headers.items()}, at)


def reports(hook, request):
    """What a request tells, without what is nothing to us."""
    found = [hook.report(item, request) for _, item in hook.opened(request)]
    return [each for each in found if each is not None]


@cache
def sendgrid_key():
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_public_key():
    """The verification key as SendGrid shows it."""
    der = sendgrid_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sendgrid_headers(body, timestamp="1772471100"):
    signature = sendgrid_key().sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def sendgrid_event(event, number=1, at=AT // 1_000_000, **more):
    """One event of https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event."""
    return {
        "email": "Ann@example.org",
        "timestamp": at,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": event,
        "category": ["cat facts"],
        "sg_event_id": f"ZGVsaXZlcmVkLTAtMTUxMzI5OTU2OS{event}{number}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "decision_id": DECISION,
    } | more


def mailgun(event, *, key=MAILGUN_KEY, at=AT, token="50b0f5ae7b5b2bd6ea8a7d7a", signed=None, **more):
    """One event of https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads."""
    timestamp = str(at // 1_000_000)
    return {
        "signature": {
            "timestamp": timestamp,
            "token": token,
            "signature": signed or hmac.digest(key.encode(), (timestamp + token).encode(), "sha256").hex(),
        },
        "event-data": {
            "id": "Ase7i2zsRYeDXztHGENqRA",
            "timestamp": at / 1e6,
            "log-level": "info",
            "event": event,
            "message": {"headers": {"message-id": "20130503182626.18666.16540@shop.example"}},
            "recipient": "ann@example.org",
            "recipient-domain": "example.org",
            "ip": "50.56.129.169",
            "client-info": {
                "client-os": "Linux",
                "device-type": "desktop",
                "client-name": "Chrome",
                "client-type": "browser",
                "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.31 (KHTML, like Gecko) Chrome/26.0",
            },
            "campaigns": [],
            "tags": ["my_tag_1"],
            "user-variables": {"decision_id": DECISION},
        }
        | more,
    }


@cache
def sns_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def sns_certificate(until_days=3650):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(sns_key().public_key())
    made = made.serial_number(7).not_valid_before(start).not_valid_after(start + timedelta(days=until_days))
    return made.sign(sns_key(), SHA256()).public_bytes(Encoding.PEM)


def sns(message, *, version="2", kind="Notification", topic=TOPIC, certificate=CERTIFICATE, **more):
    """A message of https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html."""
    told = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": topic,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-03-02T17:05:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": certificate,
    } | more
    names = ("Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{told[name]}\n" for name in names if name in told)
    hashed = SHA1() if version == "1" else SHA256()
    told["Signature"] = base64.b64encode(sns_key().sign(text.encode(), padding.PKCS1v15(), hashed)).decode()
    return told


def ses(event, **details):
    """An event of https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html."""
    place = event[:1].lower() + event[1:]
    return {
        "eventType": event,
        "mail": {
            "timestamp": "2026-03-02T17:04:00.012Z",
            "source": "Shop <shop@example.com>",
            "sendingAccountId": "123456789012",
            "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
            "destination": ["ann@example.org"],
            "headersTruncated": False,
            "tags": {"ses:configuration-set": ["ConfigSet"], "decision_id": [DECISION]},
        },
        place: {"timestamp": "2026-03-02T17:05:00.669Z"} | details,
    }


def postmark(record, **more):
    """An event of https://postmarkapp.com/developer/webhooks/webhooks-overview."""
    return {
        "RecordType": record,
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Tag": "welcome-email",
        "Metadata": {"decision_id": DECISION},
    } | more


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def shop_signature(body, secret):
    """The base64 HMAC-SHA256 that Shopify and WooCommerce send."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
