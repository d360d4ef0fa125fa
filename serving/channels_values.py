"""What blocks of the file of channels name rather than say: secrets by their variables, addresses that may be used."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from policy.problems import Field
from serving.endpoints import EndpointRefused, check_address


class Wrong(Exception):
    """One thing wrong in one field of an endpoint."""

    def __init__(self, field: Field, says: str) -> None:
        super().__init__(says)
        self.field = field
        self.says = says


class Surroundings(NamedTuple):
    """What an endpoint depends on besides its block."""

    environment: Mapping[str, str]
    home: Path
    loopback_only: bool


class Addressed(Protocol):
    """A block with an address, in the file or in a variable."""

    @property
    def url(self) -> str | None:
        """The address."""
        ...

    @property
    def url_env(self) -> str | None:
        """The variable that holds it instead."""
        ...


def secret_named(name: str, field: Field, around: Surroundings) -> str:
    """Return what a variable holds (Wrong: nothing, or what can be no secret)."""
    value = around.environment.get(name, "").strip()
    if not value:
        raise Wrong(field, f"the environment variable {name} is not set")
    if not value.isprintable():
        raise Wrong(field, f"the environment variable {name} holds more than a line")
    return value


def address_of(name: str, block: Addressed, around: Surroundings) -> str:
    """Return the address of an endpoint called `name` (Wrong: it cannot be used)."""
    field = "url" if block.url_env is None else "url_env"
    url = block.url or secret_named(block.url_env or "", (field,), around)
    return checked_address(name, url, (field,), around)


def checked_address(name: str, url: str, field: Field, around: Surroundings) -> str:
    """Return the address again (Wrong: it cannot be used)."""
    try:
        check_address(name, url, loopback_only=around.loopback_only)
    except EndpointRefused as refused:
        raise Wrong(field, refused.reason) from None
    return url
