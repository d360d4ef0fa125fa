"""Where messages may go: addresses and secrets from configuration, never from an event or a policy file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from serving.access_tokens import Client
from serving.provider_body import Body, Header
from serving.signing import signing_key


class EndpointRefused(ValueError):
    """The address of an endpoint cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"endpoint {name}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Webhook:
    """A place that takes signed messages as they are; its address may hold a token, so it is never shown."""

    renders: ClassVar = False
    name: str
    url: str = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    concurrency: int | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with the address, which it does not reveal."""
        return _fingerprint(self.url)


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server that takes e-mails, and whom they are from."""

    renders: ClassVar = True
    name: str
    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    sender: Address
    reply_to: Address | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    concurrency: int | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with the address."""
        return _fingerprint(f"{self.host}:{self.port}")


@dataclass(frozen=True, slots=True)
class Api:
    """A provider's HTTP interface: what is asked of it, and where its answer says what.

    Attributes:
        refusals: Statuses that mean: this message never.
        error_at: Where an answer of 2xx says that the message was refused after all; None: it does not.
        id_at: Where it holds the provider's own id, in the body.
        id_header: The header that holds it instead.
        form: Whether the body goes as an HTML form rather than as JSON.
        client: Who fetches the token that goes along; None where none is needed.
    """

    renders: ClassVar = True
    name: str
    url: str = field(repr=False)
    method: str
    headers: Mapping[str, Header] = field(repr=False)
    body: Body
    refusals: frozenset[int]
    error_at: tuple[str, ...] | None = None
    id_at: tuple[str, ...] | None = None
    id_header: str | None = None
    concurrency: int | None = None
    form: bool = False
    client: Client | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        """Changes with the address, which it does not reveal."""
        return _fingerprint(self.url)


@dataclass(frozen=True, slots=True)
class Lines:
    """A file that gets a line for each message, and nobody reads but whoever tries things out."""

    renders: ClassVar = True
    name: str
    path: Path
    concurrency: int | None = 1

    @property
    def fingerprint(self) -> str:
        """Changes with the file."""
        return _fingerprint(str(self.path))


Endpoint = Webhook | Smtp | Api | Lines


def webhook(name: str, url: str, *secrets: str, loopback_only: bool = False, concurrency: int | None = None) -> Webhook:
    """Check the configuration of a webhook endpoint.

    Args:
        name: What triggers call it.
        url: An http or https address.
        secrets: One `whsec_…` secret, or several while receivers change over; each message is signed with all of them.
        loopback_only: Refuse every other machine (a replay must never write to a real person).
        concurrency: Most messages on their way to it at the same time.

    Raises:
        EndpointRefused: The address is no http(s) address, or not on this machine although it has to be.
        SecretRefused: A secret is malformed.
    """
    check_address(name, url, loopback_only=loopback_only)
    if not secrets:
        raise EndpointRefused(name, "has no secret to sign with")
    return Webhook(name, url, tuple(signing_key(each) for each in secrets), concurrency)


def check_address(name: str, url: str, *, loopback_only: bool) -> None:
    """Raise EndpointRefused for what is no http(s) address, or not on this machine although it has to be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise EndpointRefused(name, "is not a valid address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise EndpointRefused(name, "needs an address that begins with https:// or http://")
    check_host(name, host, loopback_only=loopback_only)


def check_host(name: str, host: str, *, loopback_only: bool) -> None:
    """Raise EndpointRefused for another machine where only this one will do."""
    if loopback_only and not is_loopback(host):
        raise EndpointRefused(name, "is on another machine; a replay sends to this machine only")


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _fingerprint(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]
