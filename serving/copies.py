"""`python -m serving.copies backup|restore FILE`: a copy of the database as of one moment, and one put in its place.

A server may go on writing while a copy is made. The file alone is none: what was acknowledged last stands in the
write-ahead log beside it, and with the log of another day a copy that is put back is damaged.
"""

import argparse
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from serving.database import open_existing

REPLACED: Final = ".replaced"
"""What a database that another one takes the place of is called from then on."""
_BESIDE: Final = ("", "-wal", "-shm")
# Whoever has a SQLite file open locks some of these bytes (https://sqlite.org/lockingv3.html, os.h).
_FIRST_SHARED, _SHARED_SIZE = 0x40000002, 510


class NotRestored(Exception):
    """Nothing was put back, and what was there stays."""


def backup(database: Path, copy: Path) -> None:
    """Write a copy of the database as of now, whole or not at all, in the place of one of that name.

    Raises:
        sqlite3.Error, OSError: There is no database, or a file cannot be read or written.
    """
    part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(open_existing(database)) as source, closing(sqlite3.connect(part)) as target:
            # At once: whoever writes meanwhile waits for nothing, and what they write is in none of its pages.
            source.backup(target)
        part.chmod(database.stat().st_mode)
        _put(part, copy)
    finally:
        part.unlink(missing_ok=True)


def restore(database: Path, copy: Path) -> Path | None:
    """Put a copy in the place of the database; return as what the one before is kept, None where there was none.

    Raises:
        NotRestored: The copy is none of ours, is damaged, or somebody has the database open.
        OSError: A file cannot be read or written.
    """
    _check(copy)
    part = database.with_name(f"{database.name}.part")
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy(copy, part)
        with _alone(database):
            kept = _set_aside(database)
            _put(part, database)
    finally:
        part.unlink(missing_ok=True)
    return kept


def _check(copy: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            [[said], *_] = connection.execute("PRAGMA quick_check(1)").fetchall()
            connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as error:
        raise NotRestored(f"{copy} is no copy of a database of Opportune: {error}") from error
    if said != "ok":
        raise NotRestored(f"{copy} is damaged: {said}")


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Hold the lock that others have on a database while it is open, damaged or not; for a process that has not."""
    if not database.exists():
        yield
        return
    with database.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _FIRST_SHARED)
        except BlockingIOError:
            raise NotRestored(f"{database} is in use: stop the server first") from None
        yield


def _set_aside(database: Path) -> Path | None:
    """Rename the database with its write-ahead log, which hold what is there only together."""
    is_there = database.exists()
    kept = database.with_name(database.name + REPLACED)
    for end in _BESIDE:
        kept.with_name(kept.name + end).unlink(missing_ok=True)
    for end in _BESIDE:
        beside = database.with_name(database.name + end)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + end))
    return kept if is_there else None


def _put(part: Path, file: Path) -> None:
    """Give a file its name once it is on the disk."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the configured home's database, or put a copy in its place; 1 with a sentence where that cannot be."""
    from serving.settings import settings_of_process

    parser = argparse.ArgumentParser(prog="python -m serving.copies", description=main.__doc__)
    parser.add_argument("what", choices=("backup", "restore"))
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    database = settings_of_process().database
    try:
        if given.what == "backup":
            backup(database, given.file)
            said = f"{given.file} holds {database} as of now"
        else:
            kept = restore(database, given.file)
            said = f"{database} is what {given.file} holds" + (f"; what was there is kept as {kept}" if kept else "")
    except (NotRestored, OSError) as error:
        sys.exit(f"opportune: {error}")
    except sqlite3.Error as error:
        sys.exit(f"opportune: {database} cannot be copied to {given.file}: {error}")
    sys.stdout.write(said + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
