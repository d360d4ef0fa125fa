"""An event as everything behind the edge knows it, and the numbers the kernels fold."""

import struct
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from features.kinds import Kind

RECORD_WIDTH: Final = 10
"""Numbers in a record; the indices below say which."""

OCCURRED_AT: Final = 0  # microseconds since the epoch
KIND: Final = 1
FLAGS: Final = 2
UTC_OFFSET_S: Final = 3  # of the person at that moment; NaN where unknown
AMOUNT: Final = 4  # in the shop's currency, never negative
QUANTITY: Final = 5
DISCOUNT: Final = 6  # in the shop's currency, never negative
PRODUCT: Final = 7  # hash of the product's id; 0 where there is none
ITEMS: Final = 8  # lines of the order or cart
PLUS_MINUS: Final = 9  # -1 where the event takes an amount back, else +1

FLAG_MACHINE: Final = 1  # opened or clicked by a mail scanner, not by a person
FLAG_BOT: Final = 2
FLAG_SNAPSHOT: Final = 4  # states the whole cart, and so replaces what was known of it

ANONYMOUS_PREFIX: Final = "anonymous:"
_PRODUCT_MASK = (1 << 52) - 1  # exact in a float64
_RECORD = struct.Struct(f"<{RECORD_WIDTH}d")

_NO_PROPERTIES: Final[Mapping[str, Any]] = MappingProxyType({})


class BadEvent(ValueError):
    """The event was refused: `field` (a dotted path) is not what it must be.

    Attributes:
        field: Where, such as ``properties.products[2].price``; empty for the whole event.
        reason: Why, in words for whoever sent it.
        code: A word for programs, such as ``required`` or ``not_a_number``.
    """

    def __init__(self, field: str, reason: str, code: str = "invalid") -> None:
        """Name the field, the reason and its code."""
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive pickling, whose default would call this class with the message alone."""
        return BadEvent, (self.field, self.reason, self.code)


class Event(Struct, frozen=True):
    """Something a person did, checked and in our words."""

    kind: Kind
    name: str
    """As it came; only for people to read."""
    message_id: str
    """At most 100 characters; the same on every retry."""
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    """The id an alias call leaves behind."""
    occurred_at: int
    """Microseconds since the epoch, corrected for the sender's clock."""
    record: bytes
    """`RECORD_WIDTH` little-endian float64."""
    timezone: str | None
    """IANA name, known to be one."""
    excluded: str | None
    """Why models and triggers must not see this user: `bot`, `staff`, `test`; else None."""
    payload_json: str
    """The payload as JSON text, ready to be stored: no NaN, no lone surrogate."""
    payload: Mapping[str, Any]
    """`properties`, `context`, `traits`, `group_id`: those that are not empty."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """The payload's properties."""
        found: Mapping[str, Any] = self.payload.get("properties", _NO_PROPERTIES)
        return found

    @property
    def key(self) -> str:
        """The user's key in the log."""
        return user_key(self.user_id, self.anonymous_id)


def user_key(user_id: str | None, anonymous_id: str | None) -> str:
    """Return the key under which the log knows a person.

    Raises:
        BadEvent: There is no id, or a user id looks like the key of an anonymous person.
    """
    if user_id:
        if user_id.startswith(ANONYMOUS_PREFIX):
            raise BadEvent("userId", f"must not start with {ANONYMOUS_PREFIX!r}", "reserved")
        return user_id
    if anonymous_id:
        return ANONYMOUS_PREFIX + anonymous_id
    raise BadEvent("userId", "userId or anonymousId is required", "required")


def ids_behind(key: str) -> tuple[str | None, str | None]:
    """Return the user id and the anonymous id of a key, of which there is one: what `user_key` made it of."""
    if key.startswith(ANONYMOUS_PREFIX):
        return None, key.removeprefix(ANONYMOUS_PREFIX)
    return key, None


def pack_record(
    occurred_at: int,
    kind: Kind,
    flags: int = 0,
    utc_offset_s: float = float("nan"),
    amount: float = 0.0,
    quantity: float = 0.0,
    discount: float = 0.0,
    product: int = 0,
    items: int = 0,
    plus_minus: int = 1,
) -> bytes:
    """Pack the numbers of one event in the order of the indices above."""
    return _RECORD.pack(
        occurred_at,
        kind,
        flags,
        utc_offset_s,
        amount,
        quantity,
        discount,
        product,
        items,
        plus_minus,
    )


def unpack_record(record: bytes) -> tuple[float, ...]:
    """Return the `RECORD_WIDTH` numbers of a record (struct.error on any other length)."""
    return _RECORD.unpack(record)


@lru_cache(maxsize=65536)
def product_hash(product_id: str) -> int:
    """Return 1..2**52-1 for a product's id, the same on every machine."""
    digest = blake2b(product_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") & _PRODUCT_MASK or 1
