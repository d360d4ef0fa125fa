"""Postmark's webhooks: one event each, unsigned, with a name and a password of HTTP Basic in the address.

https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from features.kinds import NAMES, Kind
from features.values import section
from serving.errors import SignatureRefused
from serving.hooks import Received, an_object, is_same, mail_address, moment, read_object, some, word
from serving.reports import PERMANENT, TRANSIENT, Report, stable_id

_KINDS: Final = {
    "Delivery": (Kind.EMAIL_DELIVERED, "DeliveredAt"),
    "Bounce": (Kind.EMAIL_BOUNCED, "BouncedAt"),
    "SpamComplaint": (Kind.EMAIL_SPAM, "BouncedAt"),
    "Open": (Kind.EMAIL_OPENED, "ReceivedAt"),
    "Click": (Kind.EMAIL_CLICKED, "ReceivedAt"),
    "SubscriptionChange": (Kind.UNSUBSCRIBED, "ChangedAt"),
}
_SUPPRESSED: Final = {"HardBounce": Kind.EMAIL_BOUNCED, "SpamComplaint": Kind.EMAIL_SPAM}
"""Why Postmark writes to somebody no more, where that is not that they asked for it."""


class Postmark:
    """Postmark, with the name and the password that its address for us carries."""

    name = "postmark"

    def __init__(self, user: str, password: str) -> None:
        """Take the credentials."""
        self._expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    def opened(self, received: Received) -> Sequence[tuple[str, object]]:
        """Return the one event of a request with our credentials."""
        if not is_same(received.headers.get("authorization", ""), self._expected):
            raise SignatureRefused("Name and password of HTTP Basic are missing or wrong.", field="Authorization")
        return [("", read_object(received.body))]

    def report(self, item: object, received: Received) -> Report | None:
        """Return what the event says."""
        del received
        fields = an_object(item, "body")
        record = word(fields, "RecordType")
        kind, when = _KINDS.get(record, (None, ""))
        if record == "SubscriptionChange":
            kind = _change(fields)
        if kind is None:
            return None
        sent_as, url = word(fields, "MessageID"), some(fields, "OriginalLink", most=8192)
        to = "Email" if "Email" in fields else "Recipient"
        ours = section(fields.get("Metadata"), "Metadata")
        said = {
            "provider": self.name,
            "provider_message_id": sent_as,
            "url": url,
            "reason": some(fields, "Description"),
            "bounce_type": _bounce_type(record, fields) if kind is Kind.EMAIL_BOUNCED else None,
        }
        at = moment(fields, when)
        return Report(
            source=self.name,
            what=NAMES[kind],
            # No event has an id of its own.
            message_id=stable_id(self.name, record, sent_as, some(fields, to), at, url),
            at=at,
            decision_id=some(ours, "decision_id", within="Metadata."),
            sent_id=some(ours, "message_id", within="Metadata."),
            address=mail_address(fields, to),
            properties=said,
            user_agent=some(fields, "UserAgent", most=4096),
        )


def _change(fields: Mapping[str, Any]) -> Kind | None:
    if fields.get("SuppressSending") is not True:
        return None
    return _SUPPRESSED.get(some(fields, "SuppressionReason") or "", Kind.UNSUBSCRIBED)


def _bounce_type(record: str, fields: Mapping[str, Any]) -> str:
    # Postmark deactivates the addresses that it will not write to again.
    return PERMANENT if record == "SubscriptionChange" or fields.get("Inactive") is True else TRANSIENT
