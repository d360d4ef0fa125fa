"""Everything stored about one person as JSON, table by table; memory stays bounded however much that is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from features.catalog import CATALOGUE
from features.events import unpack_record
from features.kinds import NAMES, Kind
from features.moments import iso
from serving.driver import driver
from serving.holdings import REJECTS, Holding, Trace, holdings, trace
from serving.mentions import Mentions, Rejects, mentions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Engine as Database

AT_ONCE: Final = 500
RECORD: Final = (
    "occurred_at",
    "kind",
    "flags",
    "utc_offset_s",
    "amount",
    "quantity",
    "discount",
    "product_hash",
    "items",
    "plus_minus",
)
_JSON: Final = frozenset({"payload", "scores", "models", "shadow", "raw_scores", "body", "content", "findings"})
_KINDS: Final = tuple(Kind)
_encode = msgspec.json.Encoder().encode


def look_up(database: Database, key: str) -> tuple[Trace, Mentions, Rejects]:
    """Find what is of the person behind a key, what text would call them, and the rejects that do."""
    with database.connect() as connection:
        direct = driver(connection)
        found = trace(direct, key)
        said = mentions_of(direct, found)
        return found, said, said.rejects(direct)


def export(database: Database, found: Trace, rejects: Rejects, head: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the parts of one JSON object: `head`, then `tables` with every row of this person.

    Each part is read by itself: whoever reads slowly keeps nobody waiting, and what is erased meanwhile is not in it.
    """
    yield _encode(head)[:-1] + b',"tables":{'
    comma = b""
    for held in (*holdings(), REJECTS):
        yield comma + _encode(held.table) + b":["
        between = b""
        for row in _rows(database, held, rejects.ids if held is REJECTS else found.values[held.of]):
            yield between + _encode(row)
            between = b","
        yield b"]"
        comma = b","
    yield b"}}"


def _rows(database: Database, held: Holding, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    statement = f"SELECT * {held.source}"
    for start in range(0, len(values), AT_ONCE):
        asked = json.dumps(list(values[start : start + AT_ONCE]))
        with database.connect() as connection:
            found = connection.exec_driver_sql(statement, (asked,)).mappings().all()
        for row in found:
            yield _readable(held.table, dict(row))


def _readable(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in words: moments in ISO 8601, numbers under their names, JSON as such."""
    said = {name: _value(name, value) for name, value in row.items()}
    if table == "events":
        said["kind"] = NAMES[_KINDS[row["kind"]]]
        said["record"] = dict(zip(RECORD, unpack_record(row["record"]), strict=True))
    elif table == "evaluations":
        said["features"] = _features(row["features"], row["catalogue"])
    return said


def _value(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and (name in {"at", "lease_until"} or name.endswith("_at")):
        return iso(value) if value else None
    if name in _JSON and isinstance(value, str):
        return _parsed(value)
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _features(packed: bytes | None, catalogue: str) -> Any:
    """Return a feature vector by name; of another catalogue as bare numbers, of a pruned one null."""
    if packed is None:
        return None
    numbers = np.frombuffer(packed, "<f8").tolist()
    return dict(zip(CATALOGUE.names, numbers, strict=True)) if catalogue == CATALOGUE.fingerprint else numbers
