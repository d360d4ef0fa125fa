"""The shape of a message: Segment's calls, flat objects and batches, brought under our field names."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from features.events import BadEvent
from features.field_names import TOP_LEVEL
from features.kinds import fold_name
from features.mapping import EventMapping
from features.values import section, text

CALLS: Final = frozenset({"track", "identify", "page", "screen", "alias", "group"})
_TRAIT_CALLS: Final = frozenset({"identify", "group"})
_TOP_LEVEL: Final = frozenset(TOP_LEVEL)
_ENVELOPE: Final = frozenset({"channel", "version", "_metadata"})


class Message(Struct, frozen=True):
    """One message under our names, its nested parts checked to be objects."""

    raw: Mapping[str, Any]
    call: str
    fields: Mapping[str, Any]
    """The message's own fields, as Segment spells them."""
    properties: dict[str, Any]
    context: dict[str, Any]
    traits: dict[str, Any]
    mapping: EventMapping

    def as_sent(self, path: str) -> str:
        """Return `path` as the sender spelt it: `user_id` where that was sent for `userId`."""
        head, dot, rest = path.partition(".")
        if head in self.raw or not head:
            return path
        if head in {"properties", "traits"} and rest:
            head, dot, rest = rest.partition(".")
        name, bracket, index = head.partition("[")
        sent = next((each for each in self.raw if self.mapping.fields[each] == name), name)
        return sent + bracket + index + dot + rest


def read_message(raw: object, mapping: EventMapping) -> Message:
    """Bring a message under our names (BadEvent).

    Fields of the message itself may be spelt as Segment does or in any way the mapping knows; any
    other field of a flat object belongs to its properties, or to the traits of identify and group.
    """
    if type(raw) is not dict and not isinstance(raw, Mapping):
        raise BadEvent("", "must be an object", "not_an_object")
    fields, extras = (raw, {}) if mapping.own.issuperset(raw) else _split(raw, mapping)
    call = fields.get("type")
    if type(call) is not str or call not in CALLS:
        fields = dict(fields)
        call = _call(fields, extras)
    properties = _renamed(section(fields.get("properties"), "properties"), mapping)
    traits = section(fields.get("traits"), "traits")
    context = section(fields.get("context"), "context")
    if call in _TRAIT_CALLS:
        traits = {**extras, **traits} or section(context.get("traits"), "context.traits")
    elif extras:
        properties = {**extras, **properties}
    if type(products := properties.get("products")) is list:
        properties = {**properties, "products": [_product(each, mapping) for each in products]}
    return Message(raw, call, fields, properties, context, traits, mapping)


def _split(raw: Mapping[str, Any], mapping: EventMapping) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Tell the message's own fields from those of its properties."""
    fields: dict[str, Any] = {}
    others: list[tuple[str, str]] = []
    for key, value in raw.items():
        if type(key) is not str:
            raise BadEvent("", "has a key that is not a string", "not_json")
        if key in mapping.own:
            fields[key] = value
        else:
            others.append((key, mapping.fields[key]))
    return fields, (_place(raw, others, fields) if others else {})


def _place(raw: Mapping[str, Any], others: list[tuple[str, str]], fields: dict[str, Any]) -> dict[str, Any]:
    """Give fields that came under other names to `fields`; return those of the properties."""
    nested = "properties" in fields or "traits" in fields
    extras: dict[str, Any] = {}
    if len({name for _, name in others}) < len(others):
        # Several spellings of one field: user_id is ours rather than customer_id.
        others.sort(key=lambda each: fold_name(each[0]) != fold_name(each[1]))
    for key, name in others:
        target = fields if name in _TOP_LEVEL else extras
        if target.get(name) is None and (key == name or raw.get(name) is None):
            target[name] = raw[key]
        elif not (nested and key in _ENVELOPE):
            # Our name is taken: the value is kept under its own.
            extras.setdefault(key, raw[key])
    if nested:
        return {key: value for key, value in extras.items() if key not in _ENVELOPE}
    return extras


def _call(fields: dict[str, Any], extras: dict[str, Any]) -> str:
    """Return the call that a message without a type of Segment's stands for."""
    kind = text(fields.get("type"), "type")
    event = fields.get("event")
    if kind is not None and event is not None:
        extras.setdefault("type", kind)
    elif kind is not None:
        fields["event"] = event = kind
    return event if type(event) is str and event in CALLS else "track"


def _renamed(inner: dict[str, Any], mapping: EventMapping) -> dict[str, Any]:
    """Return the fields of properties or of a product under our names; ours win over aliases."""
    names = mapping.renames[tuple(inner)]
    return inner if names is None else dict(zip(names, inner.values(), strict=True))


def _product(product: object, mapping: EventMapping) -> object:
    return _renamed(product, mapping) if type(product) is dict else product


def merge_batch(batch: object) -> list[Any]:
    """Return the messages of a batch call, each changed to say what the batch says for all of them.

    `context` and `integrations` are merged into each message's own, which win; `sentAt` is taken
    where a message has none. Items that are not objects are returned as they are, for `normalise`
    to refuse them one by one.

    Raises:
        BadEvent: The batch itself is malformed.
    """
    if not isinstance(batch, Mapping):
        raise BadEvent("", "must be an object", "not_an_object")
    messages = batch.get("batch")
    if type(messages) is not list:
        raise BadEvent("batch", "must be a list of messages", "not_a_list")
    shared = {
        name: section(batch.get(name), name) for name in ("context", "integrations") if batch.get(name) is not None
    }
    sent_at = batch.get("sentAt")
    return [_with_shared(each, shared, sent_at) for each in messages]


def _with_shared(message: object, shared: dict[str, dict[str, Any]], sent_at: object) -> object:
    if type(message) is not dict:
        return message
    for name, common in shared.items():
        own = message.get(name)
        if own is None or type(own) is dict:
            message[name] = {**common, **(own or {})}
    if sent_at is not None and message.get("sentAt") is None:
        message["sentAt"] = sent_at
    return message
