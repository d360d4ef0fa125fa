"""Our names of fields and events, and how the spellings of others are brought under them."""

from collections.abc import Callable, Mapping, Sized
from typing import Final

from features.events import BadEvent
from features.kinds import Kind, fold_name
from features.values import text

TOP_LEVEL: Final = (
    "type",
    "event",
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "messageId",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "receivedAt",
    "context",
    "integrations",
    "properties",
    "traits",
    "timezone",
    "userAgent",
    "writeKey",
)
"""The fields of a message itself, as Segment spells them; all others belong to its properties."""

TOP_LEVEL_BY_FOLD = {fold_name(name): name for name in TOP_LEVEL}
_PROPERTIES = (
    *("product_id", "sku", "category", "name", "brand", "variant", "price", "quantity", "coupon", "position"),
    *("url", "image_url", "products", "cart_id", "order_id", "checkout_id", "subtotal", "total", "revenue"),
    *("value", "shipping", "tax", "discount", "currency"),
)
PROPERTIES_BY_FOLD = {fold_name(name): name for name in _PROPERTIES}
# Names that a sender makes up must not fill the memory, be they many or long.
CACHED: Final = 8192
LONGEST: Final = 256
MOST_KEYS: Final = 64


class FieldNames(dict[str, str]):
    """A key as it was sent -> our name of it; found once by folding, then looked up as it is."""

    def __init__(self, folded: Mapping[str, str]) -> None:
        super().__init__()
        self.folded = folded

    def __missing__(self, key: str) -> str:
        if len(key) > LONGEST:
            return key
        found = self.folded.get(fold_name(key), key)
        if len(self) < CACHED:
            self[key] = found
        return found


class EventNames(dict[str, tuple[Kind, str]]):
    """An event's name as it was sent -> the kind it stands for, and the name without surrounding space (BadEvent)."""

    def __init__(self, kind_of: Callable[[str], Kind]) -> None:
        super().__init__()
        self.kind_of = kind_of

    def __missing__(self, sent: str) -> tuple[Kind, str]:
        name = text(sent, "event")
        if name is None:
            raise BadEvent("event", "is required", "required")
        found = self.kind_of(name), name
        if len(self) < CACHED and len(sent) <= LONGEST:
            self[sent] = found
        return found


class Renames(dict[tuple[str, ...], tuple[str, ...] | None]):
    """The keys of an object -> our names of them in the same order; None where they are ours already (BadEvent)."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, keys: tuple[str, ...]) -> tuple[str, ...] | None:
        if any(type(key) is not str for key in keys):
            raise BadEvent("properties", "has a key that is not a string", "not_json")
        taken = set(keys)
        found: list[str] = []
        for key in keys:
            name = self.names[key]
            # A field that came under our name keeps it; another one for it stays as it was sent.
            found.append(key if name in taken else name)
            taken.add(name)
        renamed = tuple(found)
        answer = None if renamed == keys else renamed
        if is_worth_keeping(keys, self):
            self[keys] = answer
        return answer


def is_worth_keeping(keys: tuple[str, ...], kept: Sized) -> bool:
    """Whether to remember something of these keys: not of the large objects that somebody makes up."""
    return (
        len(kept) < CACHED and len(keys) <= MOST_KEYS and all(type(key) is str and len(key) <= LONGEST for key in keys)
    )
