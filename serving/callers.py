"""Who calls: the key that came with a request, found among those of the database, and what is left of its allowance."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from serving.endpoints import is_loopback
from serving.errors import HostRefused, KeyMissing, KeyUnknown
from serving.keys import ADMIN, SCOPES, Key
from serving.limits import Allowance, Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RELOAD_S = 1.0
"""Seconds until a key that was made or revoked while the server runs counts."""

_log = logging.getLogger(__name__)


class Caller:
    """Who sent a request, what they may do, and what is left of their allowance."""

    __slots__ = ("bucket", "key", "scopes")

    def __init__(self, key: Key, bucket: Bucket | None) -> None:
        self.key = key
        # Whoever administers may do everything else too.
        self.scopes = SCOPES if ADMIN in key.scopes else key.scopes
        self.bucket = bucket


class Keyring:
    """The keys of the database as the edge asks for them, read again when older than RELOAD_S."""

    def __init__(
        self,
        read: Callable[[], list[Key]],
        *,
        allowance: Allowance,
        open_without_keys: bool,
        now: float,
    ) -> None:
        """Read the keys for the first time.

        Args:
            read: Returns all keys; called about once per RELOAD_S.
            allowance: What each key may ask.
            open_without_keys: Whether everybody may do everything while there is no key; only for a server that
                listens on loopback.
            now: The moment, in monotonic seconds.
        """
        self._read = read
        self._allowance = allowance
        self._open_without_keys = open_without_keys
        self._callers: dict[str, Caller] = {}
        self._anonymous = self._caller(Key("", "anonymous", SCOPES), now)
        self._replace(read(), now)
        self._reload_at = now + RELOAD_S

    @property
    def is_open(self) -> bool:
        """Whether everybody may do everything."""
        return self._open_without_keys and not self._callers

    def caller(self, headers: Mapping[bytes, bytes], now: float) -> Caller:
        """Return who sent these headers; raises KeyMissing, KeyUnknown or HostRefused."""
        if now >= self._reload_at:
            self._reload(now)
        if self._open_without_keys and not self._callers:
            # A page whose name was made to mean 127.0.0.1 has its visitor's browser ask here, under that name.
            if not _means_this_machine(headers.get(b"host", b"localhost")):
                raise HostRefused
            return self._anonymous
        presented = key_in(headers)
        if presented is None:
            raise KeyMissing
        return self.holder(presented)

    def holder(self, presented: bytes) -> Caller:
        """Return whose key this is; raises KeyUnknown."""
        if self._open_without_keys and not self._callers:
            return self._anonymous
        key_hash = sha256(presented).hexdigest()
        caller = self._callers.get(key_hash)
        # The table is searched by the hash of what came, which nobody can steer towards a stored one byte by byte.
        if caller is None or not hmac.compare_digest(caller.key.key_hash, key_hash):
            raise KeyUnknown
        return caller

    def _reload(self, now: float) -> None:
        self._reload_at = now + RELOAD_S
        try:
            keys = self._read()
        except SQLAlchemyError:
            # A database that cannot be read for a moment must not lock everybody out.
            _log.exception("the API keys could not be read again; those known so far stay in force")
            return
        self._replace(keys, now)

    def _replace(self, keys: list[Key], now: float) -> None:
        known = self._callers
        self._callers = {
            key.key_hash: (
                known[key.key_hash]
                if key.key_hash in known and known[key.key_hash].key == key
                else self._caller(key, now)
            )
            for key in keys
        }

    def _caller(self, key: Key, now: float) -> Caller:
        return Caller(key, Bucket(self._allowance, now) if self._allowance.quota else None)


def key_in(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Return the key in `Authorization` (Bearer, or Basic with the key as user name) or `X-API-Key`, or None."""
    authorization = headers.get(b"authorization")
    if authorization is None:
        return headers.get(b"x-api-key")
    scheme, _, credentials = authorization.partition(b" ")
    scheme = scheme.lower()
    if scheme == b"bearer":
        return credentials.strip()
    if scheme == b"basic":
        return _user_name(credentials)
    raise KeyUnknown("Authorization must be of the scheme Bearer or Basic.", field="Authorization")


@lru_cache(maxsize=256)
def _means_this_machine(host: bytes) -> bool:
    """Whether the value of a Host header, with or without a port, can only mean this machine."""
    try:
        return is_loopback(urlsplit("//" + host.decode()).hostname or "")
    except ValueError:
        return False


def _user_name(credentials: bytes) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[0]
    except binascii.Error:
        raise KeyUnknown("The credentials of HTTP Basic are not base64.", field="Authorization") from None
