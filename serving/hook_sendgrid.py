"""SendGrid's event webhook: a list of events, signed with ECDSA over its timestamp and the raw body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from features.kinds import NAMES, Kind
from serving.errors import SignatureRefused
from serving.hooks import Received, an_object, mail_address, moment, read_list, some, sound, word
from serving.reports import PERMANENT, TRANSIENT, Report, stable_id

SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
_KINDS: Final = {
    "delivered": Kind.EMAIL_DELIVERED,
    "open": Kind.EMAIL_OPENED,
    "click": Kind.EMAIL_CLICKED,
    "bounce": Kind.EMAIL_BOUNCED,
    "dropped": Kind.EMAIL_BOUNCED,
    "spamreport": Kind.EMAIL_SPAM,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
}
_GONE: Final = ("bounced address", "invalid")
"""Why SendGrid drops a message that no later one would reach either; by what its reason begins with."""


class SendGrid:
    """SendGrid, with the public key of its signed event webhook."""

    name = "sendgrid"

    def __init__(self, public_key: str) -> None:
        """Take the verification key as SendGrid shows it: base64 of a public key on a curve (ValueError)."""
        try:
            key = load_der_public_key(base64.b64decode(public_key, validate=True))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(f"the public key of SendGrid is not base64 of a public key: {error}") from None
        if not isinstance(key, EllipticCurvePublicKey):
            raise ValueError(  # noqa: TRY004 (the value is wrong, whatever type it has here)
                "the public key of SendGrid is not one on an elliptic curve"
            )
        self._key = key

    def opened(self, received: Received) -> Sequence[tuple[str, object]]:
        """Return the events of a request that SendGrid signed."""
        self._check(received)
        return [(f"[{i}]", each) for i, each in enumerate(read_list(received.body))]

    def report(self, item: object, received: Received) -> Report | None:
        """Return what one event says."""
        del received
        fields = an_object(sound(item), "")
        event = word(fields, "event")
        kind = _KINDS.get(event)
        if kind is None:
            return None
        said = {
            "provider": self.name,
            "provider_message_id": some(fields, "sg_message_id"),
            "url": some(fields, "url", most=8192),
            "reason": some(fields, "reason"),
            "bounce_type": _bounce_type(event, fields),
            "list_id": some(fields, "asm_group_id"),
            "machine": True if fields.get("sg_machine_open") is True else None,
        }
        return Report(
            source=self.name,
            what=NAMES[kind],
            message_id=stable_id(self.name, word(fields, "sg_event_id")),
            at=moment(fields, "timestamp"),
            decision_id=some(fields, "decision_id"),
            sent_id=some(fields, "message_id"),
            address=mail_address(fields, "email"),
            properties=said,
            user_agent=some(fields, "useragent", most=4096),
        )

    def _check(self, received: Received) -> None:
        try:
            signature = base64.b64decode(received.headers.get(SIGNATURE, ""), validate=True)
            signed = received.headers.get(TIMESTAMP, "").encode() + received.body
            self._key.verify(signature, signed, ECDSA(SHA256()))
        except (binascii.Error, InvalidSignature, ValueError):
            raise SignatureRefused(field=SIGNATURE) from None


def _bounce_type(event: str, fields: Mapping[str, Any]) -> str | None:
    if event == "bounce":
        # A block is refused by the receiving server for now: SendGrid goes on writing to that address.
        return TRANSIENT if fields.get("type") == "blocked" else PERMANENT
    if event != "dropped":
        return None
    reason = (some(fields, "reason") or "").casefold()
    return PERMANENT if reason.startswith(_GONE) else TRANSIENT
