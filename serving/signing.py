"""Standard Webhooks signatures: who receives a message can tell that it is ours, and unchanged."""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64


class SecretRefused(ValueError):
    """A webhook secret is `whsec_` followed by the base64 of 24 to 64 random bytes."""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


def signing_key(secret: str) -> bytes:
    """Return the key in a secret.

    Raises:
        SecretRefused: It is no such secret; the message does not repeat it.
    """
    encoded = secret.strip().removeprefix(PREFIX)
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise SecretRefused from None
    if not secret.strip().startswith(PREFIX) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise SecretRefused
    return key


def signed_headers(message_id: str, body: bytes, *, keys: Iterable[bytes], at_s: int) -> dict[str, str]:
    """Return the headers that sign a message under each of the keys (several while a secret is being changed).

    Args:
        message_id: The same on every attempt; it holds no full stop, which separates the parts of what is signed.
        body: The exact bytes that are sent.
        keys: As `signing_key` returns them.
        at_s: The moment of this attempt, in seconds since the epoch; receivers refuse one more than 5 minutes off.
    """
    content = b".".join((message_id.encode(), str(at_s).encode(), body))
    signatures = (b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
