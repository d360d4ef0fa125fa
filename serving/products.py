"""Products as a shop describes them: what messages show beside a name, and what no event says, such as the stock."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from serving.driver import Driver, driver

FIELDS: Final = ("name", "price", "currency", "image_url", "url", "category", "stock")
MOST_ATTRIBUTES: Final = 50
_COLUMNS: Final = ", ".join(("product_id", *FIELDS, "attributes"))
_READ: Final = f"SELECT {_COLUMNS} FROM products WHERE product_id IN (SELECT value FROM json_each(?))"
_MARKS: Final = ", ".join("?" * (len(FIELDS) + 3))
_CHANGED: Final = ", ".join(f"{each} = excluded.{each}" for each in (*FIELDS, "attributes", "updated_at"))
_WRITE: Final = f"""
INSERT INTO products ({_COLUMNS}, updated_at) VALUES ({_MARKS}) ON CONFLICT (product_id) DO UPDATE SET {_CHANGED}
"""


def upsert(connection: Connection, told: Sequence[Mapping[str, Any]], *, at: int) -> None:
    """Write what is told of products; what is not named stays as it was, and null takes it away.

    Args:
        connection: In a transaction that may write.
        told: Each with its `product_id`, any of FIELDS, and `attributes` as a mapping; checked before.
        at: The moment in microseconds.
    """
    direct = driver(connection)
    known = read(direct, [each["product_id"] for each in told])
    for each in told:
        before = known.get(each["product_id"], {"attributes": {}})
        attributes = {**before["attributes"], **(each.get("attributes") or {})}
        kept = {name: value for name, value in attributes.items() if value is not None}
        known[each["product_id"]] = {**before, **each, "attributes": dict(list(kept.items())[:MOST_ATTRIBUTES])}
    rows = {product_id: known[product_id] for product_id in dict.fromkeys(each["product_id"] for each in told)}
    direct.executemany(_WRITE, [_row(product_id, row, at) for product_id, row in rows.items()])


def read(driver: Driver, product_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what is known of these products, by id: every field, null where nothing was told of it."""
    rows = driver.execute(_READ, (json.dumps(list(product_ids)),)).fetchall()
    return {row[0]: {**dict(zip(("product_id", *FIELDS), row, strict=False)), **_attributes(row[-1])} for row in rows}


def _attributes(text: str) -> dict[str, Any]:
    return {"attributes": json.loads(text)}


def _row(product_id: str, product: Mapping[str, Any], at: int) -> tuple[Any, ...]:
    attributes = json.dumps(product["attributes"], ensure_ascii=False, allow_nan=False)
    return (product_id, *(product.get(each) for each in FIELDS), attributes, at)
