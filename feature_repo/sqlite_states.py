"""Feast's SQLite online store, tuned for one packed state a user and safe to delete at any time.

Table, keys and values are those of Feast's own store, so that any Feast client can read the file. What differs: the
file is in WAL mode before Feast uses it, the disk is not waited for (every state can be rebuilt from the log), rows are
written and read in one statement a batch, and a deleted or damaged file is replaced by an empty one.
"""

import logging
import os
import sqlite3
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from feast import Entity, FeatureView
from feast.infra.online_stores.helpers import compute_table_id
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value, ValueType
from feast.repo_config import RepoConfig
from pydantic import Field, field_validator

from feature_repo.stores import home

T = TypeVar("T")
Stored = tuple[datetime | None, dict[str, Value] | None]
Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]

ABSENT: Stored = (None, None)
PRAGMAS = (
    # Pages of 2 kB hold two states: what is written for one changed state is halved.
    "page_size=2048",
    "journal_mode=WAL",
    "synchronous=OFF",
    "cache_size=-24576",
    "busy_timeout=5000",
    # Somebody who is erased must not be left in the free parts of a page.
    "secure_delete=ON",
    # Whoever writes much copies the write-ahead log beside it: `serving.checkpoints`.
    "wal_autocheckpoint=32000",
)
SIDE_FILES = ("", "-wal", "-shm")
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR}
PRIMARY_CODE = 0xFF
MICROSECONDS = 1_000_000
NO_VALUE = b"\x00"
_number = struct.Struct("<I").pack
logger = logging.getLogger(__name__)


class StateSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):
    """Settings of the store in feature_store.yaml."""

    type: Any = "feature_repo.sqlite_states.StateSqliteOnlineStore"
    path: str = Field(default="feast/online.db", validate_default=True)

    @field_validator("path")
    @classmethod
    def _below_home(cls, path: str) -> str:
        return str(home() / path)


class StateSqliteOnlineStore(SqliteOnlineStore):
    """One file of packed states; whatever it lost reads as absent."""

    _opened: tuple[int, int] | None = None

    @staticmethod
    def _get_db_path(config: RepoConfig) -> str:
        return str(config.online_store.path)

    def _get_conn(self, config: RepoConfig) -> sqlite3.Connection:
        path = self._get_db_path(config)
        if self._conn is None or _identity(path) != self._opened:
            self.disconnect()
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._conn = sqlite3.connect(path, check_same_thread=False, cached_statements=1024)
            for pragma in PRAGMAS:
                self._conn.execute(f"PRAGMA {pragma}")
            self._opened = _identity(path)
        return self._conn

    def disconnect(self) -> None:
        """Close the file; whoever asks next opens it again."""
        if self._conn is not None:
            with suppress(sqlite3.Error):
                self._conn.close()
        self._conn = None

    async def close(self) -> None:
        """Do so where a Feast client is closed."""
        self.disconnect()

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write one row a user in one transaction; `data` as in Feast's own store."""
        rows = [
            (_key(key), name, value.SerializeToString(), *_seconds_of(at, created))
            for key, values, at, created in data
            for name, value in values.items()
        ]
        self._write(config, table, rows)
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,  # noqa: ARG002  # Feast's own store returns them all, too.
    ) -> list[Stored]:
        """Return moment and values for each key, in the order asked; (None, None) where there is nothing."""
        keys = [_key(each) for each in entity_keys]
        statement = (
            f"SELECT entity_key, feature_name, value, event_ts FROM {_table(config, table)} "
            f"WHERE entity_key IN ({','.join('?' * len(keys))})"
        )
        rows = self._repaired(config, table, lambda connection: connection.execute(statement, keys).fetchall())
        found: dict[bytes, tuple[datetime, dict[str, Value]]] = {}
        for key, name, value, at in rows:
            if key not in found:
                found[key] = datetime.fromtimestamp(at, UTC), {}
            found[key][1][name] = Value.FromString(value)
        return [found.get(key, ABSENT) for key in keys]

    def read_states(self, config: RepoConfig, table: FeatureView, name: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return what `online_read` holds of a feature of bytes, by keys of text: without four objects for each."""
        asked = _keys(table, keys)
        statement = (
            f"SELECT entity_key, value FROM {_table(config, table)} "
            f"WHERE entity_key IN ({','.join('?' * len(asked))}) AND feature_name = ?"
        )
        rows = self._repaired(
            config, table, lambda connection: connection.execute(statement, (*map(bytearray, asked), name)).fetchall()
        )
        found = dict(rows)
        return [_bytes_in(found[key]) if key in found else None for key in asked]

    def write_states(
        self, config: RepoConfig, table: FeatureView, name: str, states: Sequence[tuple[str, bytes, int]]
    ) -> None:
        """Write the rows that `online_write_batch` would for (key, bytes, moment in µs), in one transaction."""
        keys = _keys(table, [key for key, _, _ in states])
        # The driver binds a `bytearray` at once, and looks for an adapter for `bytes`: four times the price.
        rows = [
            (
                bytearray(key),
                name,
                bytearray(_field_start(len(packed)) + packed),
                at // MICROSECONDS,
                at // MICROSECONDS,
            )
            for key, (_, packed, at) in zip(keys, states, strict=True)
        ]
        self._write(config, table, rows)

    def _write(self, config: RepoConfig, table: FeatureView, rows: Sequence[tuple[Any, ...]]) -> None:
        statement = (
            f"INSERT INTO {_table(config, table)} (entity_key, feature_name, value, event_ts, created_ts) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (entity_key, feature_name) DO UPDATE "
            "SET value = excluded.value, event_ts = excluded.event_ts, created_ts = excluded.created_ts"
        )

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(statement, rows)

        self._repaired(config, table, write)

    def online_delete(self, config: RepoConfig, table: FeatureView, entity_keys: Sequence[EntityKey]) -> None:
        """Remove all rows of these keys in one transaction."""
        keys = [(_key(each),) for each in entity_keys]

        def delete(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(f"DELETE FROM {_table(config, table)} WHERE entity_key = ?", keys)

        self._repaired(config, table, delete)

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Make and drop tables, as Feast's own store does; whoever only declares keeps no file open."""
        views, entities = (tables_to_delete, tables_to_keep), (entities_to_delete, entities_to_keep)
        try:
            super().update(config, *views, *entities, partial)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._discard(config, error)
            super().update(config, *views, *entities, partial)
        finally:
            self.disconnect()

    def _repaired(self, config: RepoConfig, table: FeatureView, do: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return do(self._get_conn(config))
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                self._discard(config, error)
            elif "no such table" not in str(error):
                raise
        self.update(config, [], [table], [], [], partial=True)
        return do(self._get_conn(config))

    def _discard(self, config: RepoConfig, error: sqlite3.Error) -> None:
        logger.warning("the online store is damaged (%s): starting an empty one", error)
        self.teardown(config, [], [])

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Remove the file."""
        del tables, entities
        self.disconnect()
        path = self._get_db_path(config)
        for suffix in SIDE_FILES:
            Path(path + suffix).unlink(missing_ok=True)


def _is_damage(error: sqlite3.Error) -> bool:
    """Tell a file that cannot be read any more from one that is busy, full or of another kind."""
    return error.sqlite_errorcode & PRIMARY_CODE in DAMAGE or error.sqlite_errorcode == sqlite3.SQLITE_READONLY_DBMOVED


def _table(config: RepoConfig, table: FeatureView) -> str:
    return f'"{compute_table_id(config.project, table)}"'


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - twice a batch, and a Path costs ten times as much
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _key(key: EntityKey) -> bytes:
    """Return what feast.infra.key_encoding_utils.serialize_entity_key returns for one key of text, version 3."""
    value: bytes = key.entity_values[0].string_val.encode()
    return _key_start(key.join_keys[0]) + _number(len(value)) + value


def _keys(table: FeatureView, texts: Sequence[str]) -> list[bytes]:
    """Return `_key` of each of these keys of a view that has one."""
    start = _key_start(table.join_keys[0])
    return [start + _number(len(value)) + value for value in map(str.encode, texts)]


@lru_cache(maxsize=64)
def _field_start(length: int) -> bytes:
    """Return what precedes so many bytes in a serialised `Value` that holds them."""
    whole: bytes = Value(bytes_val=bytes(length)).SerializeToString()
    return whole[: -length or None]


@lru_cache(maxsize=64)
def _start_within(length: int) -> bytes:
    """Return what a serialised `Value` of bytes that is so long begins with; what none does if there is none."""
    starts = ((each, _field_start(each)) for each in range(max(0, length - 6), length))
    return next((start for each, start in starts if len(start) + each == length), NO_VALUE)


def _bytes_in(value: bytes) -> bytes:
    """Return the bytes of a serialised `Value`."""
    start = _start_within(len(value))
    return value[len(start) :] if value.startswith(start) else Value.FromString(value).bytes_val


@cache
def _key_start(join_key: str) -> bytes:
    name = join_key.encode()
    return _number(1) + _number(ValueType.STRING) + _number(len(name)) + name + _number(ValueType.STRING)


def _seconds_of(at: datetime, created: datetime | None) -> tuple[int, int | None]:
    seconds = int(at.timestamp())
    return seconds, seconds if created is at else None if created is None else int(created.timestamp())
