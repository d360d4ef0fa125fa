"""Where messages may go: addresses and secrets from configuration, never from an event or a policy file."""

import hashlib
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from serving.signing import signing_key


class EndpointRefused(ValueError):
    """The address of a webhook endpoint cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"webhook endpoint {name}: {reason}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that takes messages; its address may hold a token, so neither it nor the keys are ever shown."""

    name: str
    url: str = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Changes with the address, which it does not reveal."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]


def endpoint(name: str, url: str, *secrets: str, loopback_only: bool = False) -> Endpoint:
    """Check an endpoint's configuration.

    Args:
        name: What triggers call it.
        url: An http or https address.
        secrets: One `whsec_…` secret, or several while receivers change over; each message is signed with all of them.
        loopback_only: Refuse every other machine (a replay must never write to a real person).

    Raises:
        EndpointRefused: The address is no http(s) address, or not on this machine although it has to be.
        SecretRefused: A secret is malformed.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise EndpointRefused(name, "is not a valid address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise EndpointRefused(name, "needs an address that begins with https:// or http://")
    if loopback_only and not is_loopback(host):
        raise EndpointRefused(name, "is on another machine; a replay sends to this machine only")
    if not secrets:
        raise EndpointRefused(name, "has no secret to sign with")
    return Endpoint(name, url, tuple(signing_key(each) for each in secrets))


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
