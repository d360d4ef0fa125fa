"""Files below OPPORTUNE_HOME that may hold somebody's id: rewritten without it, or removed if they can be made anew."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.events import ids_behind
from serving.courier_file import FOLDER, alone_in
from serving.database import CHECKPOINT, open_existing
from serving.mentions import Mentions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

WITHIN_S = 0.02
REMADE = ("parity.csv", "feast/*.parquet", "retrain/**/*.parquet", "exports/*.csv", "exports/*.parquet")
"""`make parity`, `make retrain` and `make export` write them again, from the log and the ledger."""
PREVIEWS = "preview"
_KEYS = ("user_key", "user_id", "anonymous_id")
"""Columns of tables in which somebody's key, or the id that it was made of, may stand."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one installation: below `home`, and the databases whose write-ahead logs keep what was."""

    home: Path
    databases: Sequence[Path]

    def forget(self, said: Mentions, keys: Sequence[str]) -> list[str]:
        """Remove somebody, whom `said` recognises; return the files that were changed or removed, relative to home.

        The database has to have forgotten them before: what is still in the outbox may be written to a file until then.
        """
        return _forget(self.home, said, keys)

    def copy(self) -> None:
        """Copy what the write-ahead logs hold into their files, so that little is left to `overwrite`. For a thread."""
        for each in self.databases:
            if each.exists():
                with closing(open_existing(each)) as connection:
                    connection.execute(CHECKPOINT).fetchall()

    def overwrite(self) -> bool:
        """Cut the write-ahead logs; False if one is busy. For whoever can hold up their writer: else it always is."""
        cut = [overwrite(each) for each in self.databases]
        return all(cut)


def _forget(home: Path, said: Mentions, keys: Sequence[str]) -> list[str]:
    ids = {*keys, *(each for key in keys for each in ids_behind(key) if each)}
    changed = [file for file in _remade(home) if _holds(file, sorted(ids))]
    changed += [*_abandoned(home / "import", ".staged"), *_abandoned(home / "exports", ".part")]
    # Whom a message greets it need not name: `make preview` writes all of them again.
    changed += [file for file in (home / PREVIEWS).rglob("*") if file.is_file()]
    for file in changed:
        file.unlink(missing_ok=True)
    changed += [file for file in sorted((home / "import").glob("*.rejected.jsonl")) if _rewrite(file, said)]
    if (home / FOLDER).is_dir():
        with alone_in(home / FOLDER):
            changed += [file for file in sorted((home / FOLDER).glob("*.jsonl")) if _rewrite(file, said)]
    return sorted(str(each.relative_to(home)) for each in changed)


def _remade(home: Path) -> Iterable[Path]:
    return sorted({file for pattern in REMADE for file in home.glob(pattern) if file.is_file()})


def _holds(file: Path, keys: Sequence[str]) -> bool:
    """Whether a file holds one of these keys; a table that compresses its text is read as a table."""
    if file.suffix == ".parquet":
        return _holds_key(file, keys)
    with file.open(encoding="utf-8", errors="replace") as lines:
        return any(key in line for line in lines for key in keys)


def _holds_key(file: Path, keys: Sequence[str]) -> bool:
    import pyarrow.compute as pc
    from pyarrow import ArrowException, array
    from pyarrow.parquet import ParquetFile

    wanted = array(list(keys))
    try:
        with ParquetFile(file) as table:
            named = [name for name in _KEYS if name in table.schema_arrow.names]
            columns = (each for batch in table.iter_batches(columns=named) for each in batch.columns) if named else ()
            return any(pc.any(pc.is_in(each.cast("string"), wanted)).as_py() for each in columns)
    except (ArrowException, OSError):
        # Half a file, or none: nobody can use it, and nobody can say whom it holds.
        return True


def _abandoned(folder: Path, suffix: str) -> Iterable[Path]:
    """Yield what killed imports and exports left; a running one drops by itself what is erased."""
    for file in folder.glob(f"*{suffix}"):
        number = file.name.removesuffix(suffix).rpartition(".")[2]
        if not (number.isdecimal() and _is_running(int(number))):
            yield file


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _rewrite(file: Path, said: Mentions) -> bool:
    """Write a file of rows again without those that speak of somebody; False if none does."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not said(line)]
    if len(kept) == len(lines):
        return False
    fresh = file.with_suffix(".fresh")
    fresh.write_text("".join(kept), encoding="utf-8")
    fresh.chmod(file.stat().st_mode)
    fresh.replace(file)
    return True


def overwrite(file: Path) -> bool:
    """Copy a write-ahead log into its file and cut it, so that it holds nothing that was erased; False if it is busy.

    Whoever reads or writes meanwhile is waited for, `WITHIN_S` seconds in all.
    """
    if not file.exists():
        return True
    with closing(open_existing(file, timeout_s=WITHIN_S)) as connection:
        connection.execute(CHECKPOINT).fetchall()
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
