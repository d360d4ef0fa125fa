"""Rows of a file of profiles as `identify` calls: whose they are, what they tell, and what is wrong with a bad one."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from features.events import BadEvent
from serving.history_lines import FileRefused, Row, lines_of, shown
from serving.history_tables import TextLines, cells_of, header_of
from serving.profile_rules import fault
from serving.profiles import LONGEST_FIELD, MOST_FIELDS

_IDS: Final = {
    "user_id": "userId",
    "userid": "userId",
    "anonymous_id": "anonymousId",
    "anonymousid": "anonymousId",
    "updated_at": "timestamp",
    "timestamp": "timestamp",
}
"""Columns that say whose a row is and when it was said, in lower case; all others are traits."""
_NUMBERS: Final = frozenset({"age", "tenure_days", "tenure_months", "tenure_years"})
_KINDS: Final = ("text", "number", "boolean", "json")
_TRAITS: Final = "traits"


def read(file: Path) -> Iterator[Row]:
    """Yield an `identify` call for each row of a `.csv`, `.tsv` or `.jsonl` file, also gzipped.

    Raises:
        FileRefused: It cannot be read as profiles at all.
    """
    suffixes = [each.lower() for each in file.suffixes if each.lower() != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if kind in (".jsonl", ".ndjson"):
        return _json_rows(file)
    if kind in (".csv", ".tsv"):
        return _table_rows(file, "\t" if kind == ".tsv" else ",")
    raise FileRefused("is none of .csv, .tsv, .jsonl (also with .gz)")


def _json_rows(file: Path) -> Iterator[Row]:
    for number, line in lines_of(file, lambda _: None):
        if isinstance(line, BadEvent):
            yield Row(number, None, bad=line)
            continue
        content = line.removeprefix(b"\xef\xbb\xbf").strip()
        if content:
            yield _checked(number, shown(content), lambda content=content: _of_object(content))  # type: ignore[misc]


def _of_object(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise BadEvent("", "is not UTF-8", "not_utf8") from None
    except (ValueError, RecursionError) as error:
        raise BadEvent("", f"is not JSON: {error}", "not_json") from None
    if not isinstance(said, dict):
        raise BadEvent("", "must be an object", "not_an_object")
    return _call(said)


def _no_number(said: str) -> None:
    raise ValueError(f"{said} is no number of JSON")


def _table_rows(file: Path, delimiter: str) -> Iterator[Row]:
    text = TextLines(file, lambda _: None)
    table = csv.reader(text, delimiter=delimiter, strict=True)
    columns = [_column(name) for name in header_of(table, text)]
    names = [name for name, _ in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileRefused(f"two columns are named {', '.join(twice)}")
    if not {"user_id", "userid", "anonymous_id", "anonymousid"} & {name.lower() for name in names}:
        raise FileRefused(f"no column is named user_id or anonymous_id; the columns are {', '.join(names)[:500]}")
    for found in cells_of(table, text):
        if isinstance(found, Row):
            yield found
        else:
            line, cells = found
            yield _checked(line, ",".join(cells), lambda cells=cells: _of_cells(columns, cells))  # type: ignore[misc]


def _column(named: str) -> tuple[str, str]:
    """Return the name of a column and what its cells are: `visits:number` says it, of some it is known."""
    name, colon, kind = named.rpartition(":")
    if not colon:
        return named, "number" if named in _NUMBERS else "json" if named == _TRAITS else "text"
    if kind not in _KINDS or not name:
        raise FileRefused(f"the column {named}: after the colon stands one of {', '.join(_KINDS)}")
    return name, kind


def _of_cells(columns: list[tuple[str, str]], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(columns):
        raise BadEvent("", f"has {len(cells)} cells for {len(columns)} columns", "cells")
    said: dict[str, Any] = {}
    for (name, kind), cell in zip(columns, cells, strict=True):
        if cell.strip():
            _put(said, name.split("."), _value(name, kind, cell))
    return _call(said)


def _put(within: dict[str, Any], path: list[str], value: Any) -> None:
    """Let `address.city` be `city` within `address`."""
    *blocks, name = path
    for each in blocks:
        within = within.setdefault(each, {})
    within[name] = value


def _value(name: str, kind: str, cell: str) -> Any:
    if kind == "text":
        return cell.strip()
    try:
        value = json.loads(cell.lower() if kind == "boolean" else cell, parse_constant=_no_number)
    except (ValueError, RecursionError):
        fits = False
    else:
        is_boolean = isinstance(value, bool)
        fits = kind == "json" or (
            is_boolean if kind == "boolean" else isinstance(value, int | float) and not is_boolean
        )
    if not fits:
        raise BadEvent(name, f"is no {kind} (is {cell.strip()[:80]!r})", f"not_{kind}")
    return value


def _call(said: dict[str, Any]) -> dict[str, Any]:
    """Return the `identify` call of what a row says (BadEvent)."""
    call: dict[str, Any] = {"type": "identify"}
    traits: dict[str, Any] = {}
    for name, value in said.items():
        if name.lower() in _IDS:
            call[_IDS[name.lower()]] = value
        elif name != _TRAITS:
            traits[name] = value
    told = said.get(_TRAITS)
    if told is not None and not isinstance(told, dict):
        raise BadEvent(_TRAITS, "must be an object", "not_an_object")
    traits |= told or {}
    if len(traits) > MOST_FIELDS:
        raise BadEvent(_TRAITS, f"are more than {MOST_FIELDS}", "too_many")
    for field, value in traits.items():
        if not 0 < len(field) <= LONGEST_FIELD:
            raise BadEvent(field[:LONGEST_FIELD], f"a name has 1 to {LONGEST_FIELD} characters", "too_long")
        if reason := fault(field, value):
            raise BadEvent(field, reason, "invalid_field")
    return {**call, "traits": traits}


def _checked(line: int, text: str, make: Callable[[], dict[str, Any]]) -> Row:
    try:
        return Row(line, make())
    except BadEvent as bad:
        return Row(line, None, bad=bad, text=text[:2000])
