"""Scores, segments, decisions and profiles into a file: `python -m serving.extract_files decisions --format csv`."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from features.events import BadEvent
from features.moments import iso, read_moment
from serving.database import database_of_command
from serving.extract_push import PushRefused, push
from serving.extracts import END_US, EXTRACTS, Extract, read
from serving.settings import settings_of_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine as Database

FOLDER: Final = "exports"
"""Below OPPORTUNE_HOME, so that erasure reaches it."""
_ROWS: Final = 50_000
"""Of one row group in Parquet, and all that is in memory at a time."""
_ERASED: Final = "SELECT count(*), max(erased_at) FROM tombstones"
_TRIES: Final = 5


class ErasedMeanwhile(Exception):
    """People are erased all the time while this is written: try again later."""


class CsvFile:
    """A table as CSV: a row of names, moments in ISO 8601, nothing where there is no value."""

    def __init__(self, file: Path, extract: Extract) -> None:
        self._columns = extract.columns
        self._file = file.open("w", encoding="utf-8", newline="")
        self._rows = csv.DictWriter(self._file, list(extract.columns))
        self._rows.writeheader()

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows."""
        for row in rows:
            self._rows.writerow({name: self._cell(name, value) for name, value in row.items()})

    def _cell(self, name: str, value: Any) -> Any:
        return iso(value) if value is not None and self._columns[name] == "moment" else value

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetFile:
    """A table as Parquet: moments as timestamps of microseconds in UTC."""

    def __init__(self, file: Path, extract: Extract) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        types = {
            "text": pa.string(),
            "number": pa.float64(),
            "count": pa.int32(),
            "moment": pa.timestamp("us", tz="UTC"),
        }
        self._schema = pa.schema([(name, types[kind]) for name, kind in extract.columns.items()])
        self._writer = ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[dict[str, Any]] = []

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, many at a time."""
        self._waiting += rows
        if len(self._waiting) >= _ROWS:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._waiting, self._schema))
        self._waiting.clear()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        if self._waiting:
            self._write_group()
        self._writer.close()


FORMATS: Final[dict[str, type[CsvFile | ParquetFile]]] = {"parquet": ParquetFile, "csv": CsvFile}


def write(database: Database, extract: Extract, file: Path, form: str, *, first: int = 0, end: int = END_US) -> int:
    """Write a table into a file, whole or not at all; return how many rows it has.

    Args:
        database: Of the ledger.
        extract: Which table.
        file: What is written, in the place of what was there before.
        form: One of FORMATS.
        first: From which moment on, in microseconds.
        end: Until which.

    Raises:
        ErasedMeanwhile: Whenever it was written somebody was erased who may be in it.
    """
    for _ in range(_TRIES):
        before = _erased(database)
        with _whole(file) as part:
            count = _write_rows(database, extract, part, form, first, end)
            if _erased(database) == before:
                part.replace(file)
                return count
    raise ErasedMeanwhile((ErasedMeanwhile.__doc__ or "").strip())


def _write_rows(database: Database, extract: Extract, part: Path, form: str, first: int, end: int) -> int:
    count = 0
    with closing(FORMATS[form](part, extract)) as writer:
        for page in read(database, extract, first=first, end=end):
            writer.write([row for _, row in page])
            count += len(page)
    return count


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Give a file beside it, for its owner only, that is gone unless it took its place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _erased(database: Database) -> tuple[int, int | None]:
    """Return what changes whenever somebody is erased."""
    with database.connect() as connection:
        count, last = connection.exec_driver_sql(_ERASED).one()
    return count, last


def main(arguments: list[str] | None = None) -> int:
    """Write or push a table of the configured home; 1 where that could not be done."""
    given = _parser().parse_args(arguments)
    if given.end <= given.first:
        _parser().error("argument --to: must be later than --from")
    if given.file and given.endpoint:
        _parser().error("give either --file or --endpoint")
    settings = settings_of_process()
    if not settings.database.exists():
        sys.stderr.write(f"export: there is no ledger in {settings.home}\n")
        return 1
    extract = EXTRACTS[given.what]
    try:
        with database_of_command(settings.database) as database:
            if given.endpoint:
                pushed = push(database, settings, extract, given.endpoint, first=given.first, end=given.end)
                sys.stdout.write(f"{pushed.rows:,} rows in {pushed.messages:,} messages sent to {given.endpoint}\n")
                return 0
            file = given.file or settings.home / FOLDER / f"{given.what}.{given.format}"
            count = write(database, extract, file, given.format, first=given.first, end=given.end)
    except (OSError, ErasedMeanwhile, PushRefused) as error:
        sys.stderr.write(f"export: {error}\n")
        return 1
    sys.stdout.write(f"{count:,} rows written to {file}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.extract_files", description=__doc__)
    parser.add_argument("what", choices=EXTRACTS, help="which table")
    parser.add_argument("--format", choices=FORMATS, default="parquet", help="of the file (default: parquet)")
    parser.add_argument("--from", dest="first", type=_moment, default=0, help="from which day or moment on, UTC")
    parser.add_argument("--to", dest="end", type=_moment, default=END_US, help="until which, itself not included")
    parser.add_argument("--file", type=Path, help=f"where to (default: {FOLDER}/ below OPPORTUNE_HOME)")
    parser.add_argument("--endpoint", help="send it to this webhook endpoint instead")
    return parser


def _moment(text: str) -> int:
    try:
        return read_moment(text, "moment")
    except BadEvent:
        raise argparse.ArgumentTypeError(f"must be a day or a moment such as 2017-11-01 (is {text!r})") from None


if __name__ == "__main__":
    sys.exit(main())
