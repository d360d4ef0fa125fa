"""Import a file of products: `python -m serving.product_files FILE`; bad rows are told by line and field."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Engine

from features.cache import keep_compiled
from features.paths import written
from policy.problems import plain
from serving.contract_products import Product
from serving.database import database_of_command, for_writing
from serving.history_lines import FileRefused, importable, refusal
from serving.products import FIELDS, upsert
from serving.row_files import rows_of
from serving.settings import settings_of_process

SHOWN: Final = 20
_AT_ONCE: Final = 1000
_OURS: Final = {
    "id": "product_id",
    "sku": "product_id",
    "title": "name",
    "link": "url",
    "image": "image_url",
    "image_link": "image_url",
    "product_type": "category",
    "inventory": "stock",
    "quantity": "stock",
}
"""What product feeds call our fields."""
_TAKEN: Final = frozenset({"product_id", *FIELDS, "attributes"})
_PRICE: Final = re.compile(r"^(\d+(?:\.\d+)?) ?([A-Z]{3})$")


class Row(NamedTuple):
    """A row of a file: a product, or what is wrong with it."""

    line: int
    product: dict[str, Any] | None
    fault: str = ""


class Imported(NamedTuple):
    """What became of a file: how many products were written, and the rows that were not."""

    written: int
    bad: list[Row]


def import_products(file: Path, database: Engine, *, at: int) -> Imported:
    """Write the products of a file; rows that are none are left out and told.

    Args:
        file: `.csv`, `.tsv` or `.jsonl`, each also gzipped.
        database: Whose tables are up to date.
        at: The moment in microseconds.

    Raises:
        FileRefused: The file cannot be read as products at all.
    """
    bad: list[Row] = []
    batch: list[dict[str, Any]] = []
    written = 0
    for row in _rows(file):
        if row.product is None:
            bad.append(row)
            continue
        batch.append(row.product)
        if len(batch) >= _AT_ONCE:
            written += _write(database, batch, at)
    return Imported(written + _write(database, batch, at), bad)


def _write(database: Engine, batch: list[dict[str, Any]], at: int) -> int:
    with for_writing(database).begin() as connection:
        upsert(connection, batch, at=at)
    count = len(batch)
    batch.clear()
    return count


def _rows(file: Path) -> Iterator[Row]:
    for line, fields, fault, is_typed in rows_of(
        file, names=_ours, needed="product_id", known_as="product_id, id or sku"
    ):
        yield Row(line, None, fault) if fields is None else _row(line, fields, None if is_typed else _typed)


def _ours(name: str) -> str:
    return _OURS.get(name.lower(), name)


def _row(line: int, named: Mapping[str, Any], typed: Any = None) -> Row:
    product = {name: value for name, value in named.items() if name in _TAKEN}
    others = {name: value for name, value in named.items() if name not in _TAKEN}
    price = _PRICE.match(product["price"]) if isinstance(product.get("price"), str) else None
    if price is not None:
        # Product feeds write `39.90 EUR`.
        product |= {"price": float(price[1]), "currency": price[2]}
    if typed is not None:
        product = typed(product)
    if others:
        product["attributes"] = {**(product.get("attributes") or {}), **others}
    try:
        return Row(line, Product.model_validate(product).model_dump(exclude_unset=True))
    except (ValidationError, TypeError) as error:
        return Row(line, None, _fault(error))


def _typed(product: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a table with its numbers as numbers, where they are some."""
    for name, kind in (("price", float), ("stock", int)):
        try:
            product[name] = kind(product[name]) if name in product else None
        except ValueError:
            continue
    return {name: value for name, value in product.items() if value is not None}


def _fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "attributes: must be an object"
    first = error.errors(include_url=False)[0]
    return f"{written(first['loc'])}: {plain(first['msg'])}"


def main(arguments: list[str] | None = None) -> int:
    """Import the products of a file into the configured home; 1 where a row was bad or the file is none."""
    parser = argparse.ArgumentParser(prog="python -m serving.product_files", description=__doc__)
    parser.add_argument("file", type=Path, help="products as .csv, .tsv or .jsonl; also .gz")
    file: Path = parser.parse_args(arguments).file
    settings = settings_of_process()
    keep_compiled(settings.home)
    from serving.clock import wall

    try:
        with database_of_command(settings.database) as database:
            done = import_products(importable(file), database, at=wall())
    except (FileRefused, OSError) as refused:
        sys.stderr.write(refusal(file, refused))
        return 1
    for row in done.bad[:SHOWN]:
        sys.stderr.write(f"{file.name}:{row.line}: {row.fault}\n")
    left = f"; {len(done.bad):,} rows were left out" if done.bad else ""
    sys.stdout.write(f"{done.written:,} products written{left}\n")
    return 1 if done.bad else 0


if __name__ == "__main__":
    sys.exit(main())
