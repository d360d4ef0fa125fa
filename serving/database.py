"""The database: opened once by whoever starts a process, brought to the present schema before use."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

if TYPE_CHECKING:
    from alembic.config import Config

CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
"""Copies a write-ahead log into its file as far as it can be without waiting for anybody."""
BUSY_S = 10.0
"""How long to wait for whoever else writes."""
_BEGIN = "opportune_begin"
_INTERRUPTED = 130
_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaUnknown(RuntimeError):
    """The tables are of a revision that this version does not know."""


def open_database(path: Path) -> Engine:
    """Open the SQLite database at `path`, create or migrate its tables, and return the engine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = open_current(path)
    with ExitStack() as refused:
        refused.callback(engine.dispose)
        with engine.connect() as connection:
            newest = _is_newest(connection)
        if not newest:
            # Whoever else opens it for the first time waits here, and then finds nothing left to do.
            with for_writing(engine).begin() as connection:
                migrate(connection)
        refused.pop_all()
    return engine


@contextmanager
def opened_database(path: Path) -> Iterator[Engine]:
    """Open the database as `open_database` does, and let its file go afterwards."""
    engine = open_database(path)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def database_of_command(path: Path) -> Iterator[Engine]:
    """Open the database for a command; why it cannot be used, or no longer, is its last sentence (SystemExit)."""
    with ExitStack() as opened:
        try:
            try:
                engine = opened.enter_context(opened_database(path))
            except OSError as error:
                sys.exit(f"opportune: {error}")
            yield engine
        except (SchemaUnknown, SQLAlchemyError, sqlite3.Error) as error:
            sys.exit(f"opportune: {unusable(path, error)}")
        except KeyboardInterrupt:
            sys.stderr.write("opportune: interrupted\n")
            sys.exit(_INTERRUPTED)


def unusable(path: Path, error: Exception) -> str:
    """Return in a sentence why a database cannot be used, without the statement that found it out."""
    return f"{path} cannot be used: {error.orig if isinstance(error, DBAPIError) else error}"


def open_current(path: Path) -> Engine:
    """Return the engine of the SQLite database at `path`, whose tables are known to be of the present schema."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def open_existing(file: Path, *, timeout_s: float = 5.0) -> sqlite3.Connection:
    """Open a SQLite file that is there, past SQLAlchemy; nothing is made where nothing is (sqlite3.Error)."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=timeout_s)


def for_writing(engine: Engine) -> Engine:
    """Return the engine for transactions that will write: they wait for each other when they begin.

    A transaction that begins by reading cannot start to write once another process has written in between.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision, the newest by default.

    Raises:
        SchemaUnknown: They are of a newer version.
    """
    # A third of the time that a command takes to start, where there is nothing to migrate.
    from alembic import command
    from alembic.util import CommandError

    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise SchemaUnknown(str(error)) from error


def _is_newest(connection: Connection) -> bool:
    if connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first() is None:
        return False
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == _newest()


@cache
def _newest() -> str:
    """Return the newest revision, with which the name of its file begins."""
    return max(each.name.partition("_")[0] for each in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _configure(connection: Any, _record: object) -> None:
    # The driver's own transactions keep rows of a failed one after a savepoint: SQLAlchemy begins them instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        # First, so that the others wait for whoever holds the file.
        f"busy_timeout={int(BUSY_S * 1000)}",
        # Small pages, before the first table is made: an event touches five, each somewhere else.
        "page_size=2048",
        "synchronous=FULL",
        "cache_size=-24576",
        # A commit that has to copy the log waits for the disk; a server copies it beside (`checkpoints`).
        "wal_autocheckpoint=64000",
        "foreign_keys=OFF",
        # Somebody who is erased must not be left in the free parts of a page. Where SQLite comes with Debian it is on.
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    _log_ahead(cursor)
    cursor.close()


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Let the file have a write-ahead log; of several processes that open a new one, one does it while the others wait.

    SQLite refuses at once, whatever the time-out, where two change the mode of a file.
    """
    until = time.monotonic() + BUSY_S
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
