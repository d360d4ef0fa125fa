"""What the links of a message carry: who or which message they are about, sealed: nobody else reads or makes one.

AES-SIV (RFC 5297) under a key derived by HMAC-SHA256: opaque, authenticated, compared in constant time, and the same
for the same content, so that a message that is sent again is the same message. A token has no end: whoever finds an old
message may still want to unsubscribe.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder

from serving.driver import Driver
from serving.facts import fact, set_fact_once

LONGEST_TOKEN: Final = 8192
_PURPOSE: Final = b"opportune links 1"
_KEPT: Final = "link_secret"


class OptOut(Struct, frozen=True, array_like=True, tag="u"):
    """Says who may opt out, of what: their key in the log, channel and purpose, and the message that offered it."""

    user_key: str
    channel: str
    purpose: str
    message_id: str


class Opened(Struct, frozen=True, array_like=True, tag="o"):
    """Says that a message was opened."""

    message_id: str


class Clicked(Struct, frozen=True, array_like=True, tag="c"):
    """Says that a link of a message was followed, and where it leads."""

    message_id: str
    url: str


class Trapped(Struct, frozen=True, array_like=True, tag="t"):
    """Says that a link was followed which nobody sees, and which one of the message it was."""

    message_id: str
    trap: str


Content = OptOut | Opened | Clicked | Trapped
_encode = Encoder().encode
_decode = Decoder(Content).decode


class Tokens:
    """Makes tokens and reads them."""

    def __init__(self, secret: str, *older: str) -> None:
        """Seal by `secret`; what was sealed by one of the older ones is read, too."""
        self._ciphers = [AESSIV(hmac.digest(each.encode(), _PURPOSE, "sha256")) for each in (secret, *older)]

    def unsubscribe(self, user_key: str, channel: str, purpose: str, message_id: str) -> str:
        """Return the token of a link to unsubscribe by; `user_key` is the user's key in the log."""
        return self._sealed(OptOut(user_key, channel, purpose, message_id))

    def opened(self, message_id: str) -> str:
        """Return the token of the picture that tells of an opened message."""
        return self._sealed(Opened(message_id))

    def clicked(self, message_id: str, url: str) -> str:
        """Return the token of a link that leads to `url`, and nowhere else."""
        return self._sealed(Clicked(message_id, url))

    def trapped(self, message_id: str, trap: str) -> str:
        """Return the token of a link that nobody sees; `trap` tells it from the others of the message."""
        return self._sealed(Trapped(message_id, trap))

    def read(self, token: str) -> Content | None:
        """Return what a token says; None where none of the secrets made it."""
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4)) if len(token) <= LONGEST_TOKEN else b""
        except ValueError:
            return None
        for cipher in self._ciphers:
            try:
                content: Content = _decode(cipher.decrypt(sealed, None))
            except (InvalidTag, DecodeError, ValueError):
                continue
            return content
        return None

    def _sealed(self, content: Content) -> str:
        return urlsafe_b64encode(self._ciphers[0].encrypt(_encode(content), None)).rstrip(b"=").decode()


def kept_secret(driver: Driver) -> str:
    """Return the secret of this installation, made when first asked for; in a transaction that may write."""
    set_fact_once(driver, _KEPT, secrets.token_urlsafe(32))
    return str(fact(driver, _KEPT))


def tokens_of(driver: Driver, configured: str | None) -> Tokens:
    """Return the tokens of an installation; in a transaction that may write.

    Args:
        driver: Of its database, which keeps a secret of its own where none is configured.
        configured: Secrets separated by commas, the present one first; None for the installation's own.
    """
    given = [each.strip() for each in (configured or "").split(",") if each.strip()]
    if not given:
        return Tokens(kept_secret(driver))
    # Links that went out before a secret was configured go on working.
    kept = fact(driver, _KEPT)
    return Tokens(*given, *([] if kept is None else [kept]))
