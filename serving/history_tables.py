"""Tables of history, a row a message; and the CSV files that hold them."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from features.events import BadEvent
from features.mapping import EventMapping
from serving.history_lines import Advance, FileRefused, Row, id_of, lines_of, shown

_NUMBERS = frozenset(
    {"price", "quantity", "revenue", "total", "subtotal", "value", "discount", "shipping", "tax", "position"}
)
TIMES = ("timestamp", "originalTimestamp")
_NEEDED = (("userId", "anonymousId"), ("event", "type"), TIMES)


class Columns:
    """The columns of a table: how their cells become the fields of a message."""

    def __init__(self, names: list[str], mapping: EventMapping) -> None:
        self.names = names
        self._constants = dict(mapping.file.constants)
        ours = {name: mapping.fields[name] for name in names}
        self._json = [name for name in names if {name, ours[name]} & mapping.file.json]
        self._numbers = [name for name in names if ours[name] in _NUMBERS]
        self._check({*ours.values(), *(mapping.fields[each] for each in self._constants)})

    def _check(self, ours: set[str]) -> None:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise FileRefused(f"two columns are named {', '.join(twice)}")
        for needed in _NEEDED:
            if ours.isdisjoint(needed):
                raise FileRefused(
                    f"no column is known as {' or '.join(needed)}; the columns are {', '.join(self.names)[:500]}. "
                    "Name them in a mapping: under `fields`, or under `file.columns` for a file without a header"
                    f"{_other_delimiter(self.names)}"
                )

    def named(self, cells: list[str]) -> dict[str, str]:
        """Return the cells of a row by column (BadEvent)."""
        if len(cells) != len(self.names):
            raise BadEvent("", f"has {len(cells)} cells for {len(self.names)} columns", "cells")
        return dict(zip(self.names, cells, strict=True))

    def message(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return the message of a row, without its empty cells (BadEvent)."""
        # Only NaN, which tables hold for nothing, differs from itself.
        raw = {name: cell for name, cell in cells.items() if cell is not None and cell != "" and cell == cell}
        for name in self._json:
            if type(raw.get(name)) is str:
                raw[name] = _parsed(name, raw[name])
        for name in self._numbers:
            if type(raw.get(name)) is str:
                raw[name] = _numeric(raw[name])
        return {**self._constants, **raw} if self._constants else raw


def _parsed(name: str, cell: str) -> object:
    if cell.lstrip()[:1] not in {"[", "{"}:
        return cell
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadEvent(name, f"is not JSON: {error}", "not_json") from None


def _numeric(cell: str) -> float | str:
    """Return the number a cell holds; the cell itself where it is none, to be refused by name."""
    try:
        return int(cell) if cell.isdecimal() else float(cell)
    except ValueError:
        return cell


class TextLines:
    """The lines of a file as text; those that are none are set aside, each with its number."""

    def __init__(self, path: Path, advance: Advance) -> None:
        self._lines = self._decoded(path, advance)
        self._again: list[tuple[int, str]] = []
        self._row: list[tuple[int, str]] = []
        self._bad: list[Row] = []

    def _decoded(self, path: Path, advance: Advance) -> Iterator[tuple[int, str]]:
        for number, line in lines_of(path, advance):
            if isinstance(line, BadEvent):
                self._bad.append(Row(number, None, bad=line))
                continue
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                self._bad.append(Row(number, None, bad=BadEvent("", "is not UTF-8", "not_utf8"), text=shown(line)))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        self._row.append(self._again.pop() if self._again else next(self._lines))
        return self._row[-1][1]

    def begin_row(self) -> None:
        """Let a row begin with the next line."""
        self._row.clear()

    @property
    def first(self) -> tuple[int, str]:
        """The number and the text of the line that the row begins with."""
        return self._row[0] if self._row else (1, "")

    def give_back(self) -> None:
        """Hand out again, as rows of their own, all lines of the row but its first."""
        self._again += reversed(self._row[1:])

    def take_bad(self) -> list[Row]:
        """Return the lines set aside since the last time."""
        taken, self._bad = self._bad, []
        return taken


def read_csv(path: Path, mapping: EventMapping, advance: Advance) -> Iterator[Row]:
    """Yield one message a row; the columns are named by the first row, or by the mapping.

    Raises:
        FileRefused: The columns are not those of events.
    """
    text = TextLines(path, advance)
    tabs = ".tsv" in path.suffixes and mapping.file.delimiter == ","
    table = csv.reader(text, delimiter="\t" if tabs else mapping.file.delimiter, strict=True)
    columns = Columns(list(mapping.file.columns) or header_of(table, text), mapping)
    key = id_of("\x1f".join(columns.names).encode()).encode()
    for found in cells_of(table, text):
        yield found if isinstance(found, Row) else _csv_row(*found, columns, key)


def cells_of(table: Iterator[list[str]], text: TextLines) -> Iterator[Row | tuple[int, list[str]]]:
    """Yield the line and the cells of each row of a table that reads `text`; a bad `Row` where there are none."""
    while True:
        text.begin_row()
        try:
            cells = next(table, None)
        except csv.Error as error:
            line, said = text.first
            # A quote that nobody closes would take thousands of rows with it.
            text.give_back()
            yield Row(line, None, bad=BadEvent("", f"is not CSV: {error}", "not_csv"), text=said[:2000])
            continue
        yield from text.take_bad()
        if cells is None:
            return
        if cells:
            yield text.first[0], cells


def header_of(table: Iterator[list[str]], text: TextLines) -> list[str]:
    """Return the names in the first row of a table that reads `text` (FileRefused)."""
    try:
        names = next(table, None)
    except csv.Error as error:
        raise FileRefused(f"the first line is not CSV: {error}") from error
    if not names or text.take_bad():
        raise FileRefused("the file does not begin with a line in UTF-8 that names the columns")
    return [name.strip() for name in names]


def _other_delimiter(names: list[str]) -> str:
    """Return what to do where one column seems to be several."""
    found = next((each for each in ";\t|" if each in names[0]), None) if len(names) == 1 else None
    return "" if found is None else f"; where cells are parted by another character, `file: {{delimiter: {found!r}}}`"


def _csv_row(line: int, cells: list[str], columns: Columns, key: bytes) -> Row:
    content = "\x1f".join(cells).encode()
    try:
        raw = columns.message(columns.named(cells))
    except BadEvent as bad:
        return Row(line, None, bad=bad, text=shown(content).replace("\x1f", ","))
    return Row(line, raw, id_of(content, key))
