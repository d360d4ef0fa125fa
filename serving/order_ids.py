"""Orders by the shop's own id: one that is told twice, by the page and by the shop's webhook, is completed once."""

import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from features.events import KIND, Event
from features.kinds import NAMES, Kind
from serving.driver import Driver, listed
from serving.schema.log import ORDER_ID

_KNOWN: Final = f"""
SELECT j.value, coalesce(u.merged_into, u.user_no)
FROM json_each(?) j CROSS JOIN events e ON {ORDER_ID.format("e.")} = j.value AND e.kind = {int(Kind.ORDER_COMPLETED)}
JOIN users u USING (user_no)
"""
_MENTION: Final = '"order_id"'
_payload = msgspec.json.Decoder().decode


class OrderIds:
    """Which orders of whom the log holds, for one batch."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._told: dict[str, str] = {}
        self._people: dict[str, set[int]] = {}
        self._owners: dict[int, int] = {}

    def prepare(self, events: Sequence[Event]) -> None:
        """Look up the orders that events complete; what has none costs no statement."""
        for each in events:
            if order := _order_id(each):
                # What comes again under a message id is passed over, whatever it says.
                self._told.setdefault(each.message_id, order)
        if self._told:
            for order, number in self._driver.execute(_KNOWN, (listed([*self._told.values()]),)).fetchall():
                self._people.setdefault(order, set()).add(number)

    def merge(self, owner: int, other: int) -> None:
        """Let the orders of one person be another's, by their numbers."""
        self._owners[other] = owner

    def once(self, event: Event, number: int) -> Event:
        """Return an event of a person as the log is to hold it: an order completed again was only updated."""
        order = self._told.get(event.message_id)
        if order is None or event.kind is not Kind.ORDER_COMPLETED:
            return event
        people = self._people.setdefault(order, set())
        if any(self._owner(each) == number for each in people):
            return replace(
                event,
                kind=Kind.ORDER_UPDATED,
                name=NAMES[Kind.ORDER_UPDATED],
                record=_of_kind(event.record, Kind.ORDER_UPDATED),
            )
        people.add(number)
        return event

    def _owner(self, number: int) -> int:
        while number in self._owners:
            number = self._owners[number]
        return number


def _order_id(event: Event) -> str:
    """Return the id of the order that an event completes, empty where it tells none; what is staged is read again."""
    if event.kind is not Kind.ORDER_COMPLETED or _MENTION not in event.payload_json:
        return ""
    payload: Any = event.payload or _payload(event.payload_json)
    found = payload.get("properties", {}).get("order_id")
    return str(found) if type(found) is str or type(found) is int else ""


def _of_kind(record: bytes, kind: Kind) -> bytes:
    changed = bytearray(record)
    struct.pack_into("<d", changed, KIND * 8, kind)
    return bytes(changed)
