"""Messages of Amazon SNS, which SES tells through: signed with a key whose certificate their sender names.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificate

from serving.errors import SignatureRefused
from serving.hooks import word

Certificates = Callable[[str], bytes | None]
"""Returns the certificate at an address, as PEM; None where it is not at hand."""

NOTIFICATION: Final = "Notification"
_HOST: Final = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_FILE: Final = re.compile(r"[A-Za-z0-9_-]+\.pem")
_SIGNED: Final = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Final[Mapping[str, Callable[[], HashAlgorithm]]] = {"1": SHA1, "2": SHA256}


def kept_in(folder: Path) -> Certificates:
    """Return the certificates of a folder, by the last part of their address; nothing is ever fetched."""

    def find(address: str) -> bytes | None:
        file = folder / urlsplit(address).path.rpartition("/")[2]
        return file.read_bytes() if file.is_file() else None

    return find


def check(message: Mapping[str, Any], certificates: Certificates, *, at: int) -> None:
    """Return if SNS signed a message, as of a moment in microseconds.

    Raises:
        SignatureRefused: It did not, or the certificate is not one of Amazon's, is not at hand or not in force.
        BadEvent: A field that belongs to the signature is missing.
    """
    names = _SIGNED.get(word(message, "Type"))
    version = _HASHES.get(word(message, "SignatureVersion"))
    if names is None or version is None:
        raise SignatureRefused("SNS signs no such message.", field="Type" if names is None else "SignatureVersion")
    signed = "".join(f"{name}\n{word(message, name, most=300_000)}\n" for name in names if name in message)
    key = _key(_certificate(word(message, "SigningCertURL", most=2048), certificates), at)
    try:
        signature = base64.b64decode(word(message, "Signature", most=4096), validate=True)
        key.verify(signature, signed.encode(), PKCS1v15(), version())
    except (ValueError, InvalidSignature):
        raise SignatureRefused(field="Signature") from None


def is_amazons(address: str) -> bool:
    """Whether an address is one of SNS's own."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    plain = port is None and parts.username is None and parts.password is None
    return parts.scheme == "https" and plain and _HOST.fullmatch(parts.hostname or "") is not None


def _certificate(address: str, certificates: Certificates) -> bytes:
    name = urlsplit(address).path.rpartition("/")[2] if is_amazons(address) else ""
    if not _FILE.fullmatch(name):
        raise SignatureRefused("A certificate of SNS is at https://sns.<region>.amazonaws.com.", field="SigningCertURL")
    found = certificates(address)
    if found is None:
        raise SignatureRefused(f"The certificate {name} is not at hand here.", field="SigningCertURL")
    return found


def _key(pem: bytes, at: int) -> RSAPublicKey:
    certificate = _loaded(pem)
    if certificate is not None:
        now = datetime.fromtimestamp(at / 1e6, UTC)
        key = certificate.public_key()
        in_force = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        if in_force and isinstance(key, RSAPublicKey):
            return key
    raise SignatureRefused("The certificate is not in force, or none for RSA.", field="SigningCertURL")


@lru_cache(maxsize=16)
def _loaded(pem: bytes) -> Certificate | None:
    try:
        return load_pem_x509_certificate(pem)
    except ValueError:
        return None
