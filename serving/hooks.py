"""What all senders of webhooks have in common: a request comes in, is proven to be theirs, and is taken apart."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from features.events import BadEvent
from features.json_text import DEEPEST, TOO_DEEP, deeper_than
from features.moments import read_moment
from features.values import section, text
from serving import wire
from serving.errors import InvalidField, UnreadableBody
from serving.lessons import address
from serving.misfits import misfit_in, read_damaged
from serving.nesting import pruned

if TYPE_CHECKING:
    from serving.reports import Report


@dataclass(frozen=True, slots=True)
class Received:
    """A request: its body as it came, its headers by their names in small letters, when (µs since the epoch)."""

    body: bytes
    headers: Mapping[str, str]
    at: int


class Hook(Protocol):
    """One sender of webhooks."""

    @property
    def name(self) -> str:
        """Under which it is known."""
        ...

    def opened(self, received: Received) -> Sequence[tuple[str, object]]:
        """Return what a request tells, each with its place in the body.

        Raises:
            SignatureRefused: It is not proven to be theirs.
            ServingError, BadEvent: It cannot be read as a whole.
        """
        ...

    def report(self, item: object, received: Received) -> Report | None:
        """Return what one of them says (BadEvent); None for what is nothing to us."""
        ...


def read_json(body: bytes) -> object:
    """Return what a body says (UnreadableBody)."""
    try:
        found: object = wire.read_any(body)
    except wire.UNREADABLE as error:
        raise wire.unreadable(error, body) from None
    wire.refuse_depth(body, found)
    return found


def read_list(body: bytes) -> list[object]:
    """Return the items of the list that a body is; what cannot be kept of one of them is left for `sound` to find.

    Raises:
        UnreadableBody, InvalidField: It is no JSON even so.
        BadEvent: It is no list.
    """
    try:
        found = read_json(body)
    except (UnreadableBody, InvalidField) as error:
        try:
            found = read_damaged(pruned(body))
        except (ValueError, RecursionError):
            raise error from None
    if not isinstance(found, list):
        raise BadEvent("body", "must be a list of events", "not_a_list")
    return found


def sound(item: object) -> object:
    """Return an item of a list, in which nothing is that cannot be kept (BadEvent)."""
    if deeper_than(item, DEEPEST):
        raise BadEvent("", TOO_DEEP, "too_deep")
    if (misfit := misfit_in(item)) is not None:
        raise BadEvent(misfit.path, misfit.reason, "not_json")
    return item


def read_object(body: bytes) -> dict[str, Any]:
    """Return the object that a body is (UnreadableBody, BadEvent)."""
    return an_object(read_json(body), "body")


def an_object(value: object, place: str) -> dict[str, Any]:
    """Return an object that must be there (BadEvent)."""
    if value is None:
        raise BadEvent(place, "must be an object", "not_an_object")
    return section(value, place)


def word(fields: Mapping[str, Any], name: str, *, within: str = "", most: int = 256) -> str:
    """Return a text that must be there (BadEvent)."""
    found = text(fields.get(name), within + name, most)
    if found is None:
        raise BadEvent(within + name, "is required", "required")
    return found


def some(fields: Mapping[str, Any], name: str, *, within: str = "", most: int = 2048) -> str | None:
    """Return a text; None where there is none (BadEvent)."""
    return text(fields.get(name), within + name, most)


def moment(fields: Mapping[str, Any], name: str, *, within: str = "") -> int:
    """Return a moment that must be there, in microseconds since the epoch (BadEvent)."""
    if fields.get(name) in (None, ""):
        raise BadEvent(within + name, "is required", "required")
    return read_moment(fields[name], within + name)


def mail_address(fields: Mapping[str, Any], name: str, *, within: str = "") -> str | None:
    """Return an address as it is compared; None where there is none, or it is none (BadEvent)."""
    found = some(fields, name, within=within, most=1000)
    if found is None:
        return None
    # SES may tell it as the header of the mail, or of its bounce, has it: `Ann <ann@example.org>`.
    return address(found.rpartition("<")[2].removesuffix(">") if found.endswith(">") else found)


def is_same(presented: str | bytes, expected: str | bytes) -> bool:
    """Compare a secret with what was presented, in a time that tells nothing."""
    return hmac.compare_digest(_bytes(presented), _bytes(expected))


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
