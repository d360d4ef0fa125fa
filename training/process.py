"""What every command of training does first: find its home, read moments, and put its process in order."""

import argparse
import fcntl
import gc
import os
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from features.cache import keep_compiled
from features.home import refuse_closed

_NEWEST_COLUMN = "SELECT 1 FROM pragma_table_info('evaluations') WHERE name = 'raw_scores'"
_HAS_TABLES = "SELECT 1 FROM pragma_table_info('decisions')"


def home_of_process() -> Path:
    """Return the folder of everything a run leaves behind: OPPORTUNE_HOME, `var` if that is not said.

    Ends the process where it is no folder, or not to be looked into.
    """
    home = Path(os.environ.get("OPPORTUNE_HOME", "var")).absolute()
    refuse_closed(home)
    return home


def prepare(home: Path) -> None:
    """Put the process in order before numba, LightGBM, Feast and MLflow are imported: they read these once.

    Ends the process, and says what to do, where the tables are those of an older version, which only a server changes.
    """
    _refuse_older_tables(home / "opportune.db")
    os.environ.update(OPPORTUNE_HOME=str(home), TZ="UTC")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    keep_compiled(home)
    # What is imported stays: looking through it for rubbish every few thousand objects is a tenth of the start.
    gc.set_threshold(10_000, 10, 10)
    # The warnings are those of libraries, not the reader's.
    warnings.simplefilter("ignore")


def moment(text: str) -> int:
    """Return a moment of the command line in microseconds since the epoch.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment: write 2017-10-01 or 2017-10-01T00:00:00Z") from error
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000_000)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep every other retraining out of a home meanwhile; whoever dies lets go of it.

    Ends the process where another one is at it.
    """
    with (home / "retrain.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"opportune: another retraining of {home} is running")
        yield


def _refuse_older_tables(database: Path) -> None:
    if not database.exists():
        return
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            older = connection.execute(_HAS_TABLES).fetchone() and not connection.execute(_NEWEST_COLUMN).fetchone()
        except sqlite3.DatabaseError as error:
            sys.exit(f"opportune: {database} cannot be read: {error}")
    if older:
        sys.exit(f"opportune: the tables in {database} are of an older version: start the server once, by make serve")
