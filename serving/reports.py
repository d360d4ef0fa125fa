"""What somebody else's system tells of a person or of a message that we sent, and the event of ours that it becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from features.events import BadEvent, ids_behind
from features.kinds import NAMES, Kind
from features.moments import iso
from features.normalise import normalise

if TYPE_CHECKING:
    from features.events import Event
    from features.mapping import EventMapping
    from serving.items import UserIds

PERMANENT: Final = "permanent"
TRANSIENT: Final = "transient"
"""How an address bounced: for good, or this time; the latter keeps nobody from being written to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing that was told.

    Attributes:
        source: Who tells it: the name of a provider or of a mapped source.
        what: Our name of the event.
        message_id: The same each time that it is told.
        at: When it happened, in microseconds since the epoch.
        decision_id: The decision whose message it is about, as it travelled along; None where none did.
        sent_id: Our id of that message, likewise.
        address: To whom the message went, as it is compared.
        ids: The person by our own ids; (None, None) where it is to be found by the others.
        makes_people: Whether somebody whom the log does not know may come to be by it.
        properties: What else there is to keep.
        traits: The same of a call that tells of a person.
        call: Segment's call that it is like.
        user_agent: What opened or clicked.
        moment_at: Where its sender says when it happened.
    """

    source: str
    what: str
    message_id: str
    at: int
    decision_id: str | None = None
    sent_id: str | None = None
    address: str | None = None
    ids: UserIds = (None, None)
    makes_people: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    call: str = "track"
    user_agent: str | None = None
    moment_at: str = "timestamp"

    @property
    def is_click(self) -> bool:
        """Whether it tells of a click on a link of a mail."""
        return self.what == NAMES[Kind.EMAIL_CLICKED]


def stable_id(source: str, *parts: object) -> str:
    """Return an id of at most 100 characters that equal parts share, whoever repeats them."""
    told = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return f"{source[:60]}-{blake2b(told.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def event_of(
    report: Report,
    key: str | None,
    *,
    decision_id: str | None,
    machine: bool,
    mapping: EventMapping,
    received_at: int,
) -> Event:
    """Return a report as an event of the person behind a key of the log; None: of the ids that it names.

    Args:
        report: What was told.
        key: Whose it is.
        decision_id: The decision that it was found to be about; None where there is none.
        machine: Whether a machine did it, and not the person.
        mapping: How names and fields become ours.
        received_at: When it was told, in microseconds.

    Raises:
        BadEvent: Something in it cannot be kept.
    """
    properties = {name: value for name, value in report.properties.items() if value is not None}
    about = {"decision_id": decision_id or report.decision_id, "message_id": report.sent_id, "email": report.address}
    properties |= {name: value for name, value in about.items() if value is not None} if report.call == "track" else {}
    if machine:
        properties["machine"] = True
    user_id, anonymous_id = report.ids if key is None else ids_behind(key)
    raw = {
        "type": report.call,
        "event": report.what,
        "userId": user_id,
        "anonymousId": anonymous_id,
        "messageId": report.message_id,
        "timestamp": iso(report.at),
        "properties": properties,
        "traits": dict(report.traits),
        "userAgent": report.user_agent,
    }
    try:
        return normalise(raw, received_at=received_at, mapping=mapping)
    except BadEvent as bad:
        raise BadEvent(report.moment_at if bad.field == "timestamp" else bad.field, bad.reason, bad.code) from None
