"""Files of rows that an operator brings, CSV, TSV or JSON lines, also gzipped: each row, or why it is none."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from features.events import BadEvent
from serving.history_lines import FileRefused, Row, lines_of, shown
from serving.history_tables import TextLines, cells_of, header_of


class RawRow(NamedTuple):
    """A row of a file.

    Attributes:
        line: Where it begins, from 1.
        fields: What it says, by our names; cells of a table that are empty say nothing. None where it is no row.
        fault: Why it is none.
        is_typed: Whether numbers are numbers, as in JSON, rather than text.
    """

    line: int
    fields: dict[str, Any] | None
    fault: str = ""
    is_typed: bool = False


def rows_of(file: Path, *, names: Callable[[str], str], needed: str, known_as: str) -> Iterator[RawRow]:
    """Yield the rows of a file.

    Args:
        file: `.csv`, `.tsv` or `.jsonl`, each also gzipped.
        names: Returns what we call a column.
        needed: The column, by our name, that a table has to have.
        known_as: What to tell that it may be called.

    Raises:
        FileRefused: It cannot be read as rows at all.
    """
    suffixes = [each.lower() for each in file.suffixes if each.lower() != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if kind in (".jsonl", ".ndjson"):
        return _json_rows(file, names)
    if kind in (".csv", ".tsv"):
        return _table_rows(file, "\t" if kind == ".tsv" else ",", names, needed, known_as)
    raise FileRefused("is none of .csv, .tsv, .jsonl (also with .gz)")


def _json_rows(file: Path, names: Callable[[str], str]) -> Iterator[RawRow]:
    for number, line in lines_of(file, lambda _: None):
        if isinstance(line, BadEvent):
            yield RawRow(number, None, str(line))
            continue
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError):
            yield RawRow(number, None, f"is not JSON: {shown(line)[:80]}")
            continue
        if isinstance(raw, dict):
            yield RawRow(number, {names(name): value for name, value in raw.items()}, is_typed=True)
        else:
            yield RawRow(number, None, "must be an object")


def _table_rows(
    file: Path, delimiter: str, names: Callable[[str], str], needed: str, known_as: str
) -> Iterator[RawRow]:
    text = TextLines(file, lambda _: None)
    table = csv.reader(text, delimiter=delimiter, strict=True)
    columns = [names(name) for name in header_of(table, text)]
    if needed not in columns:
        raise FileRefused(f"no column is known as {known_as}; the columns are {', '.join(columns)[:500]}")
    for found in cells_of(table, text):
        if isinstance(found, Row):
            yield RawRow(found.line, None, str(found.bad))
            continue
        line, cells = found
        if len(cells) == len(columns):
            yield RawRow(line, {name: cell for name, cell in zip(columns, cells, strict=True) if cell != ""})
        else:
            yield RawRow(line, None, f"has {len(cells)} cells for {len(columns)} columns")
