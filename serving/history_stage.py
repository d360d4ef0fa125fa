"""Events on their way from a file to the log: put on disk in the order of the file, taken in the order of time."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import msgspec
from msgspec.structs import astuple

from features.events import Event
from features.kinds import Kind

_CREATE = "CREATE TABLE staged (place INTEGER PRIMARY KEY, occurred_at INTEGER, event BLOB)"
_CREATE_KNOWN = "CREATE TABLE known (id TEXT PRIMARY KEY) WITHOUT ROWID"
_REMEMBER = "INSERT OR IGNORE INTO known VALUES (?)"
_KNOWS = "SELECT 1 FROM known WHERE id = ?"
_PUT = "INSERT INTO staged VALUES (NULL, ?, ?)"
_TAKE = "SELECT event FROM staged ORDER BY "
_BUFFER = 4096
_KINDS = tuple(Kind)
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Any]).decode
_NO_PAYLOAD: Mapping[str, Any] = MappingProxyType({})


class Stage:
    """A table in a file of its own that nobody else sees; memory stays bounded however long the history."""

    def __init__(self, path: Path) -> None:
        """Create the table at `path`, on whose disk it lies from then on without a name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._rows: list[tuple[int, bytes]] = []
        self._latest = 0
        self._sorted = True
        self._count = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in (
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "temp_store=FILE",
            "cache_size=-65536",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        # Nobody reads the file after us, so that one transaction, never committed, will do.
        self._connection.execute("BEGIN")
        self._connection.execute(_CREATE)
        self._connection.execute(_CREATE_KNOWN)
        # However the import ends, nothing of it is left: the system frees a file without a name when it is closed.
        path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def __len__(self) -> int:
        return self._count

    def put(self, event: Event) -> None:
        """Add an event, in the order of the file."""
        # Without the payload, of which the JSON text is enough.
        self._rows.append((event.occurred_at, _pack(astuple(event)[:-1])))
        self._count += 1
        self._sorted = self._sorted and event.occurred_at >= self._latest
        self._latest = max(self._latest, event.occurred_at)
        if len(self._rows) >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        self._connection.executemany(_PUT, self._rows)
        self._rows.clear()

    def remember(self, ids: Iterable[str]) -> None:
        """Let `knows` answer yes to these."""
        self._connection.executemany(_REMEMBER, ((each,) for each in ids))

    def knows(self, known: str) -> bool:
        """Whether an id was told to `remember`."""
        return self._connection.execute(_KNOWS, (known,)).fetchone() is not None

    def take(self, most: int) -> Iterator[list[Event]]:
        """Yield all events by the moment they occurred, those of one moment as in the file, `most` at a time.

        Their payload is empty: the log needs its JSON text only.
        """
        self._flush()
        order = "place" if self._sorted else "occurred_at, place"
        found = self._connection.execute(_TAKE + order)
        while rows := found.fetchmany(most):
            yield [_event(_unpack(row[0])) for row in rows]


def _event(fields: list[Any]) -> Event:
    fields[0] = _KINDS[fields[0]]
    fields.append(_NO_PAYLOAD)
    return Event(*fields)
