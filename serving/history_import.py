"""A file of history becomes events of the log: all of its good rows, or in a strict import all or none."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from features.kinds import Kind
from features.mapping import EventMapping
from features.moments import HOUR_US
from serving.database import for_writing
from serving.history_append import append_history
from serving.history_intake import Intake
from serving.history_lines import Advance, FileRefused, Row, read_json_lines
from serving.history_orders import OrderRows
from serving.history_parquet import read_parquet
from serving.history_rejects import RejectedRows
from serving.history_stage import Stage
from serving.history_tables import read_csv
from serving.items import Fate
from serving.log import Appended
from serving.progress import Progress
from serving.unknown_names import count_unknown

_APPENDED_AT_ONCE = 10_000
_NOT_REPEATED = (Fate.ACCEPTED, Fate.UNTRACKED, Fate.OUTDATED)
_READERS: dict[str, Callable[[Path, EventMapping, Advance], Iterator[Row]]] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".pq": read_parquet,
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    rows: int
    """All rows of the file, good and bad."""
    added: int
    """Events that the log did not hold yet."""
    repeated: int
    """Good rows whose event the log held already, or that the file holds twice."""
    untracked: int
    """Good rows of people who did not agree to be tracked, where that is required; they were not kept."""
    outdated: int
    """Good rows from before what the log still holds; they were not kept."""
    behind: int
    """Events that happened an hour or more before what was known of their people, and count only from then on."""
    joined: int
    """Rows that became further lines of the order before them."""
    rejected: int
    rejects: Path
    """Where the bad rows are listed; there is no file if there are none."""
    first_reject: str
    unknown: Counter[str]
    """Event names that nobody knows, of events that were added; they were kept as activity."""
    unread: list[str]
    """What is to be said of traits that features cannot read."""
    seconds: float


class _Counts:
    """What is to be said of the events that are added."""

    def __init__(self, *, with_names: bool) -> None:
        self.behind = 0
        self.unknown: Counter[str] = Counter()
        self._with_names = with_names

    def __call__(self, added: Sequence[Appended]) -> None:
        self.behind += sum(each.known_at - each.event.occurred_at >= HOUR_US for each in added)
        if self._with_names:
            self.unknown.update(each.event.name for each in added if each.event.kind is Kind.OTHER)


class HistoryRefused(ValueError):
    """The file has bad rows and the import is strict: nothing was imported."""


def import_history(
    file: Path,
    *,
    database: Engine,
    home: Path,
    mapping: EventMapping,
    received_at: int,
    strict: bool = False,
    tracking: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Append the events of a file to the log, sorted by when they occurred.

    Args:
        file: `.jsonl`, `.csv` or `.parquet`; the first two may be gzipped.
        database: Whose tables are up to date.
        home: Bad rows are listed in its folder `import` where the folder of the file cannot be written to.
        mapping: How names, fields and times of the file become ours.
        received_at: The present moment, in microseconds; rows more than a day after it are refused.
        strict: Whether one bad row refuses the whole file.
        tracking: The purpose whose consent lets events in, and bad rows be listed with what they say; None for all.
        progress: Hears how far the import is.

    Raises:
        FileRefused: The file cannot be read as history at all.
        HistoryRefused: A row is bad and `strict` is set; the log is as it was.
    """
    began = time.monotonic()
    progress = progress or Progress(quiet=True)
    rejected = RejectedRows(file, otherwise=home / "import", with_rows=tracking is None)
    with Stage(home / "import" / f"{file.name}.{os.getpid()}.staged") as stage, rejected, progress:
        orders = OrderRows(mapping, stage.knows)
        intake = Intake(stage, rejected, orders, mapping, received_at)
        progress.begin(f"Reading {file.name}", file.stat().st_size)
        for row in orders.joined(_reader_of(file)(file, mapping, progress.reach)):
            intake.take(row)
        if strict and rejected.count:
            raise HistoryRefused(f"{rejected.count} bad rows; the first is {rejected.first}; all: {rejected.path}")
        progress.begin("Appending to the log", len(stage))
        # Where tracking needs consent a name may say more than a name, and whose it is is not known here.
        counts = _Counts(with_names=tracking is None)
        fates = _append(stage, database, received_at, tracking, counts, progress)
    with database.begin() as connection:
        count_unknown(connection, counts.unknown, at=received_at, nearest=mapping.nearest)
    return Imported(
        rows=orders.read,
        added=fates[Fate.ACCEPTED],
        repeated=len(stage) - sum(fates[each] for each in _NOT_REPEATED) + orders.equal,
        untracked=fates[Fate.UNTRACKED],
        outdated=fates[Fate.OUTDATED],
        behind=counts.behind,
        joined=orders.read - orders.equal - rejected.count - len(stage),
        rejected=rejected.count,
        rejects=rejected.path,
        first_reject=rejected.first,
        unknown=counts.unknown,
        unread=intake.unread.sentences(),
        seconds=time.monotonic() - began,
    )


def _reader_of(file: Path) -> Callable[[Path, EventMapping, Advance], Iterator[Row]]:
    suffixes = [each.lower() for each in file.suffixes if each.lower() != ".gz"]
    found = _READERS.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise FileRefused("is none of .jsonl, .csv, .tsv, .parquet (all but the last also with .gz)")
    return found


def _append(
    stage: Stage,
    database: Engine,
    received_at: int,
    tracking: str | None,
    counts: "_Counts",
    progress: Progress,
) -> Counter[Fate]:
    fates: Counter[Fate] = Counter()
    for events in stage.take(_APPENDED_AT_ONCE):
        with for_writing(database).begin() as connection:
            fates += append_history(
                connection, events, origin="import", received_at=received_at, tracking=tracking, observe=counts
            )
        progress.reach(fates.total())
    return fates


def report(done: Imported, mapping: EventMapping) -> str:
    """Return what an import did, in words."""
    rate = done.rows / max(done.seconds, 1e-9)
    lines = [f"{done.added:,} events imported from {done.rows:,} rows in {done.seconds:.1f} s ({rate:,.0f} rows/s)"]
    if done.repeated:
        lines.append(f"{done.repeated:,} rows were known already (the same message id, or an equal row)")
    if done.untracked:
        lines.append(f"{done.untracked:,} rows were not kept: their users did not agree to be tracked")
    if done.outdated:
        lines.append(f"{done.outdated:,} rows were not kept: they are older than what the log keeps")
    if done.behind:
        lines.append(
            f"{done.behind:,} events happened an hour or more before what was known of their people already: features "
            "and models count them only from then on. Import a history as one file, or its files in the order of time"
        )
    if done.joined:
        lines.append(f"{done.joined:,} rows were further lines of the order before them")
    if done.rejected:
        lines.append(f"{done.rejected:,} bad rows were set aside in {done.rejects}, the first: {done.first_reject}")
    for name, count in done.unknown.most_common(10):
        near = mapping.nearest(name)
        hint = f"; the nearest known name is {near!r}" if near else ""
        lines.append(f"{count:,} events are named {name!r}, which nobody knows: kept as activity{hint}")
    return "\n".join(lines + done.unread)
