"""Import a file of profiles: `python -m serving.profile_files FILE`; bad rows are listed beside it.

Each row is an `identify` call in the log, so it counts wherever one would; one that says nothing new is left out. A
row that does not say when it was said counts as old as its file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from features.cache import keep_compiled
from features.events import Event, user_key
from serving.settings import settings_of_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from features.mapping import EventMapping
    from serving.driver import Driver
    from serving.history_lines import Row
    from serving.history_rejects import RejectedRows
    from serving.items import Fate

_AT_ONCE: Final = 2000
_PEOPLE: Final = """
SELECT k.value, p.user_no, p.timezone FROM json_each(?) k JOIN users u ON u.user_key = k.value
JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
"""
_ADDRESSES: Final = "SELECT address FROM addresses WHERE user_no = ?"


class Imported(NamedTuple):
    """What became of the rows of a file."""

    fates: Counter[Fate]
    """Of those that said something new."""
    unchanged: int
    rejected: int
    rejects: Path
    first_reject: str
    unread: list[str]
    """What is to be said of traits that features cannot read."""


class _Told(NamedTuple):
    """A good row: its event, and what it tells."""

    event: Event
    traits: dict[str, Any]


def import_profiles(
    file: Path, *, database: Engine, home: Path, mapping: EventMapping, at: int, tracking: str | None = None
) -> Imported:
    """Write what the rows of a file tell into log and profiles; bad rows are left out and listed.

    Args:
        file: `.csv`, `.tsv` or `.jsonl`, each also gzipped.
        database: Whose tables are up to date.
        home: Bad rows are listed in its folder `import` where the folder of the file cannot be written to.
        mapping: How names and times become ours.
        at: The present moment in microseconds.
        tracking: The purpose whose consent lets anything be kept of a person; None for all.

    Raises:
        FileRefused: The file cannot be read as profiles at all.
    """
    from serving.database import for_writing
    from serving.history_append import append_history
    from serving.history_rejects import RejectedRows
    from serving.profile_rows import read
    from serving.unread_traits import UnreadTraits

    said_at = min(file.stat().st_mtime_ns // 1000, at)
    fates: Counter[Fate] = Counter()
    good, unread = 0, UnreadTraits()
    with RejectedRows(file, otherwise=home / "import", with_rows=tracking is None) as rejected:
        told = _good(read(file), rejected, mapping, said_at=said_at, at=at)
        while batch := list(itertools.islice(told, _AT_ONCE)):
            good += len(batch)
            for each in batch:
                unread.mind(each.event)
            with for_writing(database).begin() as connection:
                events = sorted(_news(connection, batch), key=lambda each: each.occurred_at)
                fates += append_history(connection, events, origin="import", received_at=at, tracking=tracking)
    return Imported(fates, good - fates.total(), rejected.count, rejected.path, rejected.first, unread.sentences())


def _good(
    rows: Iterator[Row], rejected: RejectedRows, mapping: EventMapping, *, said_at: int, at: int
) -> Iterator[_Told]:
    """Yield the rows that can be used; the others are rejected."""
    from features.events import BadEvent
    from features.normalise import content_id, normalise

    for row in rows:
        if row.raw is None:
            rejected.add(row)
            continue
        raw = {"timestamp": said_at / 1e6, **row.raw}
        try:
            # The same row of the same file is the same message: imported again it adds nothing.
            named = content_id(raw)
            event = normalise(raw, received_at=at, mapping=mapping, history=True, message_id=named)
        except BadEvent as bad:
            rejected.add(row._replace(bad=bad, text=json.dumps(row.raw, ensure_ascii=False)[:2000]))
        else:
            yield _Told(event, row.raw["traits"])


def _news(connection: Connection, batch: Sequence[_Told]) -> Iterator[Event]:
    """Yield the events that tell something that is not known yet."""
    from serving.driver import driver

    direct = driver(connection)
    keys = [user_key(each.event.user_id, each.event.anonymous_id) for each in batch]
    people = {key: (no, zone) for key, no, zone in direct.execute(_PEOPLE, (json.dumps(keys),)).fetchall()}
    changed: set[int] = set()
    for key, told in zip(keys, batch, strict=True):
        person = people.get(key)
        if person is not None:
            # Two ids are said to be one person; and whoever is in the file twice may be again what they were before.
            linked = told.event.user_id is not None and told.event.anonymous_id is not None
            if not linked and person[0] not in changed and _is_known(direct, *person, told.traits):
                continue
            changed.add(person[0])
        yield told.event


def _is_known(direct: Driver, number: int, timezone: str | None, traits: dict[str, Any]) -> bool:
    from serving import profiles
    from serving.lessons import address

    stored = profiles.read(direct, number)
    known = profiles.known(stored)
    addresses = {found for (found,) in direct.execute(_ADDRESSES, (number,)).fetchall()}
    return all(
        address(value) in addresses
        if field in ("email", "phone")
        else value == timezone
        if field == "timezone"
        else field in stored and known.get(field) == value
        for field, value in traits.items()
    )


def report(done: Imported) -> str:
    """Return what an import did, in words."""
    from serving.items import Fate

    lines = [f"{done.fates[Fate.ACCEPTED]:,} profiles written"]
    if done.unchanged:
        lines.append(f"{done.unchanged:,} rows said nothing new")
    for fate, says in (
        (Fate.UNTRACKED, "their users did not agree to be tracked"),
        (Fate.OUTDATED, "they are older than what the log keeps"),
        (Fate.ERASED, "their users were erased after they were written"),
        (Fate.DUPLICATE, "they were imported before"),
    ):
        if done.fates[fate]:
            lines.append(f"{done.fates[fate]:,} rows were not kept: {says}")
    if done.rejected:
        lines.append(f"{done.rejected:,} bad rows were set aside in {done.rejects}, the first: {done.first_reject}")
    return "\n".join(lines + done.unread)


def main(arguments: list[str] | None = None) -> int:
    """Import the profiles of a file into the configured home; 1 where a row was bad or the file is none."""
    parser = argparse.ArgumentParser(prog="python -m serving.profile_files", description=__doc__)
    parser.add_argument("file", type=Path, help="profiles as .csv, .tsv or .jsonl; also .gz")
    file: Path = parser.parse_args(arguments).file
    settings = settings_of_process()
    keep_compiled(settings.home)
    # Only now: what follows imports numba, which reads once where compiled kernels are kept.
    from serving.clock import wall
    from serving.database import database_of_command
    from serving.history_lines import FileRefused, importable, refusal
    from serving.mapping_file import MappingRefused, read_mapping

    try:
        with database_of_command(settings.database) as database:
            done = import_profiles(
                importable(file),
                database=database,
                home=settings.home,
                mapping=read_mapping(settings.events),
                at=wall(),
                tracking=settings.required_consent,
            )
    except (FileRefused, OSError) as refused:
        sys.stderr.write(refusal(file, refused))
        return 1
    except MappingRefused as refused:
        sys.stderr.write(f"nothing imported: {refused}\n")
        return 1
    sys.stdout.write(report(done) + "\n")
    return 1 if done.rejected else 0


if __name__ == "__main__":
    sys.exit(main())
