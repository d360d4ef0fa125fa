"""What the mail provider tells: SendGrid's event webhook, signed with a key that is made for this run.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.carts.post import Mail

BROWSER: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
KEY_VARIABLE: Final = "DEMO_SENDGRID_KEY"
HOOKS: Final = f"sendgrid: {{public_key_env: {KEY_VARIABLE}}}\n"
"""The file that lets it tell."""
_SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
_TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"


class Provider:
    """Tells the service what became of mails."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        self._number = 0

    @property
    def public_key(self) -> str:
        """The verification key, as SendGrid shows it."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def event(self, name: str, mail: Mail, at: int, **more: Any) -> dict[str, Any]:
        """Return one event about a mail, at a moment in microseconds."""
        self._number += 1
        return {
            "event": name,
            "email": mail.to,
            "timestamp": at // 1_000_000,
            "sg_event_id": f"event-{self._number}",
            "sg_message_id": f"{mail.message_id}.recvd",
            "useragent": BROWSER,
            # It travelled along as a custom argument.
            "message_id": mail.message_id,
            **more,
        }

    def tell(self, client: httpx.Client, events: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Tell events in one request, and return the answer."""
        body, timestamp = json.dumps(events).encode(), str(events[-1]["timestamp"])
        signature = self._key.sign(timestamp.encode() + body, ECDSA(SHA256()))
        headers = {_SIGNATURE: base64.b64encode(signature).decode(), _TIMESTAMP: timestamp}
        answer = client.post("/v1/hooks/sendgrid", content=body, headers=headers)
        told: dict[str, Any] = answer.raise_for_status().json()
        return told
