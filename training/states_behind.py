"""How many people's states in the online store are behind the log, of those who did something last."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from features.moments import SECOND_US
from features.state import MalformedState, empty, pack, position, unpack
from training.status import Status

STORE: Final = Path("feast", "online.db")
"""Below the home, where `feature_store.yaml` names no other store."""
MOST_EVENTS: Final = 500
SETTLED_US: Final = 10 * SECOND_US
"""States are stored a moment after the log: what is younger is not behind yet."""
MOST_BEHIND: Final = 0.1
_LATEST: Final = """
SELECT u.user_key, u.last_seq FROM users u WHERE u.merged_into IS NULL AND u.last_known_at <= :settled AND u.user_no IN
    (SELECT user_no FROM events ORDER BY seq DESC LIMIT :most)
"""
_TABLE: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%\\_user\\_state' ESCAPE '\\'"
_LENGTH: Final = len(pack(empty()))
_number = struct.Struct("<I").pack
_TEXT: Final = _number(2)
_KEY_START: Final = _number(1) + _TEXT + _number(len("user_key")) + b"user_key" + _TEXT
"""Feast's key of one text, version 3. Said here as well, since importing Feast takes seconds and much memory."""


class States(NamedTuple):
    """What was found of those who did something last.

    Attributes:
        looked_at: People.
        behind: Those of them whose state is missing, damaged or behind the log; it is rebuilt when it is next read.
    """

    looked_at: int
    behind: int

    @property
    def status(self) -> Status:
        """Say whether so many are behind that it is no accident."""
        if not self.looked_at:
            return Status.UNKNOWN
        return Status.CHANGED if self.behind > MOST_BEHIND * self.looked_at else Status.OK


def states_behind(home: Path, connection: sqlite3.Connection, *, at_us: int) -> States | None:
    """Return how the states are; None where they are in no file of ours.

    Args:
        home: Whose.
        connection: To its log.
        at_us: The present moment.
    """
    latest = connection.execute(_LATEST, {"settled": at_us - SETTLED_US, "most": MOST_EVENTS}).fetchall()
    path = home / STORE
    if not path.exists():
        return None
    # After the log: whatever was stored meanwhile is not behind.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
        try:
            table = store.execute(_TABLE).fetchone()
            found = [] if table is None else [_position(store, table[0], key) for key, _ in latest]
        except sqlite3.DatabaseError:
            return None
    if not found:
        return None
    return States(len(latest), sum(at < seq for at, (_, seq) in zip(found, latest, strict=True)))


def _position(store: sqlite3.Connection, table: str, key: str) -> int:
    """Return how far the state of a key is folded; -1 where there is none that can be read."""
    text = key.encode()
    row = store.execute(
        f'SELECT value FROM "{table}" WHERE entity_key = ?', (_KEY_START + _number(len(text)) + text,)
    ).fetchone()
    try:
        # What is stored is wrapped; the state is its end.
        return -1 if row is None else position(unpack(row[0][-_LENGTH:]))
    except MalformedState:
        return -1
