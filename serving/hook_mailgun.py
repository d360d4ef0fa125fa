"""Mailgun's webhooks: one event each, with an HMAC over a timestamp and a token in the body.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from features.events import BadEvent
from features.kinds import NAMES, Kind
from features.values import section
from serving.errors import SignatureRefused
from serving.hooks import Received, an_object, is_same, mail_address, moment, read_object, some, word
from serving.reports import PERMANENT, Report, stable_id

TOLERANCE: Final = timedelta(hours=12)
"""Mailgun tries again for eight hours; whoever was down for so long must not lose what is told then."""
MOST_TOKENS: Final = 100_000
_KINDS: Final = {
    "delivered": Kind.EMAIL_DELIVERED,
    "opened": Kind.EMAIL_OPENED,
    "clicked": Kind.EMAIL_CLICKED,
    "failed": Kind.EMAIL_BOUNCED,
    "complained": Kind.EMAIL_SPAM,
    "unsubscribed": Kind.UNSUBSCRIBED,
}


class Mailgun:
    """Mailgun, with the signing key of its webhooks."""

    name = "mailgun"

    def __init__(self, signing_key: str, tolerance: timedelta = TOLERANCE) -> None:
        """Take the key, and how old or how far ahead a signature may be."""
        self._key = signing_key.encode()
        self._tolerance_us = tolerance // timedelta(microseconds=1)
        self._tokens: OrderedDict[str, bytes] = OrderedDict()

    def opened(self, received: Received) -> Sequence[tuple[str, object]]:
        """Return the one event of a request that Mailgun signed."""
        found = read_object(received.body)
        event = an_object(found.get("event-data"), "event-data")
        self._check(an_object(found.get("signature"), "signature"), received)
        return [("", event)]

    def report(self, item: object, received: Received) -> Report | None:
        """Return what the event says."""
        del received
        at = "event-data."
        fields = an_object(item, "event-data")
        kind = _KINDS.get(word(fields, "event", within=at))
        # A failure that is not for good is tried again by Mailgun itself.
        if kind is None or (kind is Kind.EMAIL_BOUNCED and fields.get("severity") != PERMANENT):
            return None
        client = section(fields.get("client-info"), f"{at}client-info")
        ours = _variables(fields)
        said = {
            "provider": self.name,
            "provider_message_id": _sent_as(fields),
            "url": some(fields, "url", within=at, most=8192),
            "reason": some(fields, "reason", within=at),
            "bounce_type": PERMANENT if kind is Kind.EMAIL_BOUNCED else None,
            # Names the robot, such as `apple` or `gmail`; empty for a person.
            "machine": True if client.get("bot") else None,
        }
        return Report(
            source=self.name,
            what=NAMES[kind],
            message_id=stable_id(self.name, word(fields, "id", within=at)),
            at=moment(fields, "timestamp", within=at),
            decision_id=some(ours, "decision_id", within=f"{at}user-variables."),
            sent_id=some(ours, "message_id", within=f"{at}user-variables."),
            address=mail_address(fields, "recipient", within=at),
            properties=said,
            user_agent=some(client, "user-agent", within=f"{at}client-info.", most=4096),
        )

    def _check(self, signature: Mapping[str, Any], received: Received) -> None:
        at = "signature."
        timestamp, token = word(signature, "timestamp", within=at), word(signature, "token", within=at)
        expected = hmac.digest(self._key, f"{timestamp}{token}".encode(), "sha256").hex()
        if not is_same(word(signature, "signature", within=at), expected):
            raise SignatureRefused(field="signature.signature")
        if abs(received.at - moment(signature, "timestamp", within=at)) > self._tolerance_us:
            raise SignatureRefused("The signature is too old, or ahead of our clock.", field="signature.timestamp")
        # What is signed is not the event: a token that somebody overheard must not carry another one.
        content = sha256(received.body).digest()
        if self._tokens.setdefault(token, content) != content:
            raise SignatureRefused("The token was used before, for something else.", field="signature.token")
        if len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)


def _variables(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what travelled along; Mailgun sends an empty list where nothing did."""
    found = fields.get("user-variables")
    return {} if found == [] else section(found, "event-data.user-variables")


def _sent_as(fields: Mapping[str, Any]) -> str | None:
    headers = section(fields.get("message"), "event-data.message").get("headers")
    if not isinstance(headers, dict | None):
        raise BadEvent("event-data.message.headers", "must be an object", "not_an_object")
    return some(headers or {}, "message-id", within="event-data.message.headers.")
