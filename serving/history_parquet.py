"""Parquet files of history, a row a message."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from features.events import BadEvent
from features.mapping import EventMapping
from features.normalise import content_id
from serving.history_lines import Advance, FileRefused, Row, id_of
from serving.history_tables import TIMES, Columns

_BATCH = 8192


def read_parquet(path: Path, mapping: EventMapping, advance: Advance) -> Iterator[Row]:
    """Yield one message a row.

    Raises:
        FileRefused: It is not Parquet, or its columns are not those of events.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise FileRefused(f"is not Parquet, or cut off: {error}") from error
    columns = Columns(table.schema_arrow.names, mapping)
    times = [name for name in columns.names if mapping.fields[name] in TIMES]
    behind = 0
    with table:
        try:
            for batch in table.iter_batches(batch_size=_BATCH):
                for number, cells in enumerate(batch.to_pylist(), start=behind + 1):
                    yield _row(number, cells, columns, times)
                behind += batch.num_rows
                advance(path.stat().st_size * behind // table.metadata.num_rows)
        except (ArrowException, OSError) as error:
            yield Row(behind + 1, None, bad=BadEvent("", f"the file is damaged from here: {error}", "cut_off"))


def _row(line: int, cells: dict[str, Any], columns: Columns, times: list[str]) -> Row:
    plain = {
        name: cell if name in times and isinstance(cell, datetime) else _plain(cell) for name, cell in cells.items()
    }
    try:
        return Row(line, columns.message(plain), id_of(content_id(plain).encode()))
    except BadEvent as bad:
        return Row(line, None, bad=bad, text=str(plain)[:2000])


def _plain(cell: object) -> object:
    """Return a cell as JSON can hold it."""
    if type(cell) is str or type(cell) is int or type(cell) is float or cell is None:
        return cell
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, list | tuple):
        return [_plain(each) for each in cell]
    if isinstance(cell, dict):
        return {name: _plain(each) for name, each in cell.items()}
    if isinstance(cell, bytes):
        return _text(cell)
    return cell if isinstance(cell, bool) else str(cell)


def _text(cell: bytes) -> str:
    """Return what bytes say: some writers do not note that a column is text."""
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return cell.hex()
