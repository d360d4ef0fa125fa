"""From what somebody sent to an `Event`: checked, in our words, in our time and currency."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from json import JSONEncoder
from typing import Any, Final

from msgspec.structs import replace

from features.amounts import worth_of
from features.events import (
    FLAG_MACHINE,
    FLAG_SNAPSHOT,
    BadEvent,
    Event,
    pack_record,
    user_key,
)
from features.json_text import json_text
from features.kinds import NAMES, Kind
from features.mapping import EventMapping
from features.message import Message, read_message
from features.moments import DAY_US, checked, read_moment, utc_offset_s, zone_names
from features.suspicion import suspicions
from features.values import section, text

__all__ = ["BadEvent", "content_id", "normalise"]

_encode_sorted = JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode
_NAN: Final = float("nan")
_KINDS_OF_CALLS: Final = {
    call: (kind, NAMES[kind])
    for call, kind in {
        "page": Kind.PAGE_VIEWED,
        "screen": Kind.SCREEN_VIEWED,
        "identify": Kind.IDENTIFIED,
        "group": Kind.GROUPED,
        "alias": Kind.LINKED,
    }.items()
}
_MESSAGE_ID_LENGTH: Final = 100
_read_sent = lru_cache(maxsize=128)(read_moment)  # the same for all messages of a batch


def normalise(
    raw: object,
    *,
    received_at: int,
    mapping: EventMapping,
    history: bool = False,
    message_id: str | None = None,
    was_json: bool = False,
) -> Event:
    """Return the event that `raw` stands for.

    Args:
        raw: One message: Segment's call, or a flat object such as
            ``{"user_id": "u", "event": "cart_added", "timestamp": "2017-08-01T12:00:00Z"}``.
        received_at: When it was received, microseconds since the epoch. Corrects the sender's
            clock, stands in for a missing time, and is the measure of "in the future".
        mapping: How names and fields become ours.
        history: True for a row of a file: its time is taken as it is and must be there.
        message_id: The id of a message that brings none; None: made from its content and `received_at`.
        was_json: Whether `raw` was read from JSON by msgspec, and so holds nothing that JSON cannot.

    Raises:
        BadEvent: Anything is missing or malformed; nothing else is ever raised.
    """
    message = read_message(raw, mapping)
    try:
        return _event(message, received_at, mapping, history, message_id, was_json)
    except BadEvent as bad:
        raise BadEvent(message.as_sent(bad.field), bad.reason, bad.code) from None


def _event(
    message: Message, received_at: int, mapping: EventMapping, history: bool, message_id: str | None, was_json: bool
) -> Event:
    fields = message.fields
    user_id = text(fields.get("userId"), "userId")
    anonymous_id = text(fields.get("anonymousId"), "anonymousId")
    user_key(user_id, anonymous_id)
    kind, name = _kind_and_name(message, mapping)
    occurred_at = _occurred_at(fields, received_at, mapping, history=history)
    context, zone_name = _context(message, mapping)
    flags, excluded = suspicions(message, kind, (user_id, anonymous_id), mapping)
    if flags & FLAG_MACHINE and message.properties.get("machine") is not True:
        # However it was found out, it is said in one way from here on.
        message = replace(message, properties={**message.properties, "machine": True})
    amount, quantity, discount, product, items, plus_minus, snapshot = worth_of(kind, message.properties, mapping)
    payload = _payload(message, context)
    flags |= FLAG_SNAPSHOT if snapshot else 0
    offset = utc_offset_s(zone_name, occurred_at) if zone_name else _NAN
    record = pack_record(occurred_at, kind, flags, offset, amount, quantity, discount, product, items, plus_minus)
    return Event(
        kind,
        name,
        text(fields.get("messageId"), "messageId", _MESSAGE_ID_LENGTH) or message_id or _id_of(message, received_at),
        user_id,
        anonymous_id,
        _previous_id(fields, user_id) if message.call == "alias" else None,
        occurred_at,
        record,
        zone_name,
        excluded,
        json_text(payload, was_json=was_json),
        payload,
    )


def _kind_and_name(message: Message, mapping: EventMapping) -> tuple[Kind, str]:
    known = _KINDS_OF_CALLS.get(message.call)
    if known is not None:
        return known
    sent = message.fields.get("event")
    return mapping.names[sent if type(sent) is str else text(sent, "event") or ""]


def _id_of(message: Message, received_at: int) -> str:
    # Without an id two sends are two events, so the moment of receipt belongs to it.
    return content_id({"received_at": received_at, "sent": message.raw})


def content_id(content: object) -> str:
    """Return an id that equal contents share, whatever the order of their keys (BadEvent)."""
    try:
        encoded = _encode_sorted(content).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadEvent("", f"is not JSON: {error}", "not_json") from None
    return "content-" + blake2b(encoded, digest_size=16).hexdigest()


def _previous_id(fields: Mapping[str, Any], user_id: str | None) -> str:
    previous = text(fields.get("previousId"), "previousId")
    if previous is None:
        raise BadEvent("previousId", "is required", "required")
    if user_id is None:
        raise BadEvent("userId", "is required", "required")
    if previous == user_id:
        raise BadEvent("previousId", "must differ from userId", "same_id")
    return previous


def _occurred_at(fields: Mapping[str, Any], received_at: int, mapping: EventMapping, *, history: bool) -> int:
    """Return when it happened: receivedAt - (sentAt - originalTimestamp) where it was sent live.

    The Python SDKs send `timestamp` where the specification says `originalTimestamp`. A message
    that carries `receivedAt` has been corrected by whoever received it first.
    """
    original, said = fields.get("originalTimestamp"), fields.get("timestamp")
    sent_at = None if history or fields.get("receivedAt") else fields.get("sentAt")
    name = "timestamp"
    if original and (sent_at or not said):
        name, said = "originalTimestamp", original
    if said is None or said == "":
        if history:
            raise BadEvent("timestamp", "is required", "required")
        return received_at
    if history:
        layout = mapping.file
        moment = read_moment(said, name, unit=layout.time_unit, form=layout.time_format, local=layout.zone)
    else:
        moment = read_moment(said, name)
    if sent_at:
        moment += received_at - (_read_sent if type(sent_at) is str else read_moment)(sent_at, "sentAt")
        checked(moment, said, name)
    if moment > received_at + DAY_US:
        raise BadEvent(name, "is more than a day ahead", "in_the_future")
    return moment


def _context(message: Message, mapping: EventMapping) -> tuple[dict[str, Any], str | None]:
    """Return what is kept of the context, and the user's zone where it is a known one."""
    given = message.context
    kept: dict[str, Any] = {}
    if given:
        for name in mapping.kept_context:
            if name in given:
                kept[name] = given[name]
    found = None
    if (own := message.fields.get("timezone")) is not None:
        found = _zone_name(own, "timezone")
    if found is None and given:
        found = _zone_name(given.get("timezone"), "context.timezone")
    if found is None and message.traits:
        found = _zone_name(message.traits.get("timezone"), "traits.timezone")
    if found is None and given and (traits := given.get("traits")):
        found = _zone_name(section(traits, "context.traits").get("timezone"), "context.traits.timezone")
    if found is not None:
        kept["timezone"] = found
    return kept, found


def _zone_name(value: object, field: str) -> str | None:
    if value is None:
        return None
    if type(value) is str and value in zone_names():
        return value
    name = text(value, field, 64)
    # Browsers report zones nobody knows, such as Etc/Unknown: that is no reason to lose an order.
    return name if name is not None and name in zone_names() else None


def _payload(message: Message, context: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    if message.properties:
        payload["properties"] = message.properties
    if context:
        payload["context"] = context
    if message.traits:
        payload["traits"] = message.traits
    if message.call == "group":
        payload["group_id"] = text(message.fields.get("groupId"), "groupId")
    return payload
