"""Our names of fields, and how the spellings of others are brought under them."""

from collections.abc import Mapping
from typing import Final

from features.kinds import fold_name

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
CACHED: Final = 8192  # names a sender makes up must not fill the memory


class FieldNames(dict[str, str]):
    """A key as it was sent -> our name of it; found once by folding, then looked up as it is."""

    def __init__(self, folded: Mapping[str, str]) -> None:
        super().__init__()
        self.folded = folded

    def __missing__(self, key: str) -> str:
        found = self.folded.get(fold_name(key), key)
        if len(self) < CACHED:
            self[key] = found
        return found


class Renames(dict[tuple[str, ...], tuple[str, ...] | None]):
    """The keys of an object -> our names of them in the same order; None where they are ours already."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, keys: tuple[str, ...]) -> tuple[str, ...] | None:
        found: dict[str, str] = {}
        for key in keys:
            name = self.names[key]
            # A field that came under our name keeps it; another one for it stays as it was sent.
            taken = name != key and (name in keys or name in found.values())
            found[key] = key if taken else name
        renamed = tuple(found.values())
        answer = None if renamed == keys else renamed
        if len(self) < CACHED:
            self[keys] = answer
        return answer
