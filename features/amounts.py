"""What an event was worth: amount, quantity, discount, lines and product, from its properties."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from features.events import BadEvent, product_hash
from features.kinds import Kind
from features.mapping import EventMapping
from features.values import MOST, not_negative, number, text


class _Role(IntEnum):
    """How an event speaks of goods."""

    NONE = 0
    PRODUCT = 1
    CART = 2
    ORDER = 3
    REVERSAL = 4


# Each its own name: an attribute of an Enum is looked up in Python, and these are asked for every event.
_NONE, _PRODUCT, _CART, _ORDER, _REVERSAL = _Role
_ROLES_BY_KIND: Final = {
    Kind.PRODUCT_CLICKED: _PRODUCT,
    Kind.PRODUCT_VIEWED: _PRODUCT,
    Kind.PRODUCT_ADDED: _PRODUCT,
    Kind.PRODUCT_REMOVED: _PRODUCT,
    Kind.WISHLIST_ADDED: _PRODUCT,
    Kind.WISHLIST_REMOVED: _PRODUCT,
    Kind.PRODUCT_SHARED: _PRODUCT,
    Kind.PRODUCT_REVIEWED: _PRODUCT,
    Kind.CART_VIEWED: _CART,
    Kind.CART_ABANDONED: _CART,
    Kind.CHECKOUT_STARTED: _CART,
    Kind.CHECKOUT_STEP_VIEWED: _CART,
    Kind.CHECKOUT_STEP_COMPLETED: _CART,
    Kind.PAYMENT_INFO_ENTERED: _ORDER,
    Kind.ORDER_COMPLETED: _ORDER,
    Kind.ORDER_UPDATED: _ORDER,
    Kind.ORDER_REFUNDED: _REVERSAL,
    Kind.ORDER_CANCELLED: _REVERSAL,
}
# By position: the hash of an IntEnum is computed in Python, and this is asked for every event.
_ROLES: Final = tuple(_ROLES_BY_KIND.get(kind, _NONE) for kind in Kind)
_WHOLE: Final = ("revenue", "total", "value")
"""Where an order says its amount; the first one present counts."""


Worth = tuple[float, float, float, int, int, int, bool]
"""The numbers of a record from `AMOUNT` on, in the shop's currency, and whether they state the whole cart."""

_Lines = tuple[float, float, float, int, str | None]
"""Of one line or several: price times quantity, quantity, discount, number of lines, the product if it is only one."""

_NOTHING: Final = (0.0, 0.0, 0.0, 0, 0, 1, False)


def worth_of(kind: Kind, properties: Mapping[str, Any], mapping: EventMapping) -> Worth:
    """Return what the event was worth; events without goods are worth nothing.

    The amount of an order or cart is its revenue, else total, else value, else the sum over its
    products, else price times quantity; that of a product event is price times quantity, else
    value.

    Raises:
        BadEvent: A number or a product is malformed, or the currency has no rate.
    """
    role = _ROLES[kind]
    if role is _NONE:
        return _NOTHING
    products = properties.get("products")
    single = products is None
    sold, quantity, discount, items, product_id = _line(properties, "properties") if single else _lines(products)
    amount = _amount(role, properties, sold)
    if not single and (stated := properties.get("discount")) is not None:
        discount = not_negative(stated, "properties.discount") or 0.0
    if (amount or discount) and properties.get("currency") is not None:
        rate = _rate(properties["currency"], mapping)
        amount, discount = amount * rate, discount * rate
    return (
        amount,
        quantity,
        discount,
        product_hash(product_id) if product_id else 0,
        items,
        -1 if role is _REVERSAL else 1,
        role is _CART and not single,
    )


def _amount(role: _Role, properties: Mapping[str, Any], sold: float) -> float:
    if role is _PRODUCT:
        if "price" in properties or "products" in properties:
            return sold
        return not_negative(properties.get("value"), "properties.value") or 0.0
    for name in _WHOLE:
        if properties.get(name) is not None:
            found = number(properties[name], f"properties.{name}")
            if found is not None:
                return _signed(found, role, name)
    return sold


def _signed(amount: float, role: _Role, name: str) -> float:
    if amount < 0 and role is not _REVERSAL:
        raise BadEvent(f"properties.{name}", "must not be negative", "negative")
    # A refund is sent as 10 by some and as -10 by others.
    return abs(amount)


def _lines(products: object) -> _Lines:
    path = "properties.products"
    if type(products) is not list:
        raise BadEvent(path, "must be a list of products", "not_a_list")
    worth = quantity = discount = 0.0
    product_id = None
    for row, each in enumerate(products):
        line = _line(each, path, row) if type(each) is dict else _bare(each, path, row)
        worth += line[0]
        quantity += line[1]
        discount += line[2]
        product_id = line[4]
    return worth, quantity, discount, len(products), product_id if len(products) == 1 else None


def _bare(product_id: object, path: str, row: int) -> _Lines:
    """Take a product that is nothing but its id."""
    if type(product_id) is not str and type(product_id) is not int:
        raise BadEvent(f"{path}[{row}]", "must be an object or an id", "not_an_object")
    return _line({"product_id": product_id}, path, row)


def _line(line: Mapping[str, Any], path: str, row: int | None = None) -> _Lines:
    product_id = line.get("product_id")
    if product_id is None or product_id == "":
        product_id = line.get("sku") or None
    price = line.get("price")
    quantity = line.get("quantity")
    discount = line.get("discount")
    # The usual first: the names of the fields are only put together to complain.
    if product_id is not None and (type(product_id) is not str or not product_id.isascii()):
        product_id = text(product_id, _path(path, row, "product_id"))
    if price is not None and (type(price) is not float or not 0 <= price <= MOST):
        price = not_negative(price, _path(path, row, "price"))
    if quantity is not None and (type(quantity) is not int or not 0 <= quantity <= MOST):
        quantity = not_negative(quantity, _path(path, row, "quantity"))
    if discount is not None:
        discount = not_negative(discount, _path(path, row, "discount"))
    items = 0 if product_id is None and price is None and quantity is None else 1
    quantity = items if quantity is None else quantity
    return (price or 0.0) * quantity, float(quantity), discount or 0.0, items, product_id


def _path(path: str, row: int | None, name: str) -> str:
    return f"{path}.{name}" if row is None else f"{path}[{row}].{name}"


def _rate(value: object, mapping: EventMapping) -> float:
    currency = text(value, "properties.currency")
    rate = mapping.rate(currency) if currency is not None else 1.0
    if rate is None:
        raise BadEvent(
            "properties.currency",
            f"{currency!r:.20} is neither the shop's currency ({mapping.shop_currency}) "
            "nor has it a rate under currency.rates of the mapping",
            "unknown_currency",
        )
    return rate
