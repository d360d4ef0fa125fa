"""Orders that a file gives as several rows: rows of one order that follow each other become one message."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from features.events import BadEvent, user_key
from features.field_names import TOP_LEVEL, is_worth_keeping
from features.kinds import NAMES, Kind, fold_name
from features.mapping import EventMapping
from features.values import text
from serving.history_lines import Row

MOST_LINES: Final = 10_000
"""Of one order, so that memory stays bounded."""
_ORDERS: Final = frozenset({Kind.ORDER_COMPLETED, Kind.ORDER_UPDATED, Kind.ORDER_REFUNDED, Kind.ORDER_CANCELLED})
_AMOUNTS: Final = ("revenue", "total", "value")
_OF_A_LINE: Final = frozenset(
    {
        *("product_id", "sku", "category", "name", "brand", "variant", "price", "quantity", "position", "url"),
        "image_url",
    }
)
_OF_A_MESSAGE: Final = frozenset(TOP_LEVEL)
_OF_AN_ORDER: Final = _OF_A_MESSAGE | {"order_id"}
_SHOWN: Final = 2000
Names = Mapping[str, str]
"""The keys of a row by our names of them."""


class _Shapes(dict[tuple[str, ...], Names | None]):
    """The keys of a row -> by our names; None where such a row is no line of an order."""

    def __init__(self, mapping: EventMapping) -> None:
        super().__init__()
        self._ours = mapping.fields

    def __missing__(self, keys: tuple[str, ...]) -> Names | None:
        names: dict[str, str] = {}
        # Of several spellings of a field the one that is ours counts, as in `read_message`.
        for key in sorted(keys, key=self._strangeness):
            names.setdefault(self._ours[key], key)
        found = names if "order_id" in names and names.keys().isdisjoint({"properties", "traits"}) else None
        if is_worth_keeping(keys, self):
            self[keys] = found
        return found

    def _strangeness(self, key: str) -> tuple[bool, bool]:
        ours = self._ours[key]
        return key != ours, fold_name(key) != fold_name(ours)


class OrderRows:
    """Hands rows on; those of one order as one row, whose `lines` they are."""

    def __init__(self, mapping: EventMapping, known: Callable[[str], bool]) -> None:
        """`known` tells whether the file held an order, or a row of one, before; see `Row.lines`."""
        self._mapping = mapping
        self._known = known
        self._shapes = _Shapes(mapping)
        self._open: list[Row] = []
        self._contents: set[str] = set()
        self.read = 0
        """All rows, good and bad."""
        self.equal = 0
        """Rows of an order that the file held before, word for word."""

    def joined(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield all rows, in their order; one order at a time, once a row follows that is none of its."""
        for row in rows:
            self.read += 1
            try:
                order = self._order(row.raw)
            except BadEvent:
                # A row that is bad does not part the rows around it.
                yield row
                continue
            if not order:
                yield from self._close()
                yield row
            elif self._open and self._open[0].order == order:
                yield from self._add(row._replace(order=order))
            else:
                yield from self._close()
                yield from self._begin(row._replace(order=order))
        yield from self._close()

    def merged(self, lines: Sequence[Row]) -> Row:
        """Return the row of an order: what its lines state alike is the order's, the rest each line's own."""
        first = lines[0]
        given = {} if first.raw is None else first.raw
        whole = {} if first.raw is None else dict(first.raw)
        if len(lines) > 1:
            rows = [each.raw or {} for each in lines]
            whole = {key: value for key, value in given.items() if self._is_of_order(key, value, rows)}
            products = [{key: row[key] for key in row if self._is_of_line(key, whole)} for row in rows]
            whole |= self._amount_of_lines(rows, whole) | {"products": products}
        return first._replace(raw=whole, message_id=first.order, lines=tuple(lines))

    def _order(self, raw: Mapping[str, Any] | None) -> str:
        """Return the id of the order that a row belongs to, empty if it belongs to none.

        Raises:
            BadEvent: It is no event.
        """
        if raw is None:
            raise BadEvent("", "cannot be read")
        names = self._shapes[tuple(raw)]
        kind = self._kind(raw, names) if names else Kind.OTHER
        if not names or kind not in _ORDERS:
            return ""
        user, anonymous, given = (raw.get(names.get(each, "")) for each in ("userId", "anonymousId", "order_id"))
        key = user_key(text(user, "userId"), text(anonymous, "anonymousId"))
        order = _order_id(given)
        if not order:
            return ""
        # An order is completed once; it may be changed, and refunded in part, several times.
        when = names.get("timestamp") or names.get("originalTimestamp", "")
        again = "" if kind is Kind.ORDER_COMPLETED else str(raw.get(when))
        content = "\x1f".join((key, NAMES[kind], order, again))
        return "order-" + blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _kind(self, raw: Mapping[str, Any], names: Names) -> Kind:
        event = raw.get(names.get("event") or names.get("type") or "")
        return self._mapping.kind_of(event) if type(event) is str else Kind.OTHER

    def _begin(self, row: Row) -> Iterator[Row]:
        if not self._known(row.order):
            self._open.append(row)
            self._contents.add(row.message_id)
        elif self._known(row.message_id):
            self.equal += 1
        else:
            yield self._refused(
                row,
                "order_id",
                "rows of this order came before, with others between: this one is not counted; "
                "sort the file so that the rows of an order follow each other",
                "order_parted",
            )

    def _add(self, row: Row) -> Iterator[Row]:
        first = self._open[0]
        if row.message_id in self._contents:
            self.equal += 1
        elif any(self._of(each, "products") is not None for each in (first, row)):
            yield self._refused(
                row, "order_id", "the row before states this order with all its products", "order_again"
            )
        elif self._of(row, "currency") != self._of(first, "currency"):
            yield self._refused(row, "currency", "is not that of the first row of the order", "order_currency")
        elif len(self._open) == MOST_LINES:
            yield self._refused(row, "order_id", f"the order has more than {MOST_LINES:,} rows", "order_too_long")
        else:
            self._open.append(row)
            self._contents.add(row.message_id)

    def _close(self) -> Iterator[Row]:
        if self._open:
            lines, self._open = self._open, []
            self._contents.clear()
            yield self.merged(lines)

    def _of(self, row: Row, name: str) -> Any:
        raw = row.raw or {}
        names = self._shapes[tuple(raw)] or {}
        return raw.get(names.get(name, ""))

    def _refused(self, row: Row, name: str, reason: str, code: str) -> Row:
        names = self._shapes[tuple(row.raw or ())] or {}
        return Row(row.line, None, bad=BadEvent(names.get(name, name), reason, code), text=repr(row.raw)[:_SHOWN])

    def _is_of_order(self, key: str, value: object, rows: Sequence[Mapping[str, Any]]) -> bool:
        ours = self._mapping.fields[key]
        return ours in _OF_AN_ORDER or (ours not in _OF_A_LINE and all(row.get(key) == value for row in rows))

    def _is_of_line(self, key: str, order: Mapping[str, Any]) -> bool:
        return key not in order and self._mapping.fields[key] not in _OF_A_MESSAGE

    def _amount_of_lines(self, rows: Sequence[Mapping[str, Any]], order: Mapping[str, Any]) -> dict[str, float]:
        """Return the sum of what lines without a price state as their amount; nothing where there is a better one."""
        ours = self._mapping.fields
        if any(ours[key] in _AMOUNTS for key in order) or any(ours[key] == "price" for row in rows for key in row):
            return {}
        for name in _AMOUNTS:
            stated = [value for row in rows for key, value in row.items() if ours[key] == name]
            numbers = [value for value in stated if type(value) is float or type(value) is int]
            if stated and len(numbers) == len(stated):
                return {name: sum(numbers)}
        return {}


def _order_id(given: object) -> str:
    """Return an order id of whatever length; empty where there is none: properties may be anything."""
    try:
        return text(given, "order_id", sys.maxsize) or ""
    except BadEvent:
        return ""
