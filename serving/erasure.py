"""Forgetting one person: in the database, in the online store, in memory and in files; see docs/adr/0013-erasure.md."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from serving.driver import driver
from serving.holdings import REJECTS, Holding, holdings, trace
from serving.mentions import Rejects, mentions_of
from serving.timers import Timers
from serving.tombstones import set_tombstones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from serving.work import Tools


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed.

    Attributes:
        at: When, in microseconds on the clock of the events; nothing of before comes back.
        rows: How many rows of each table went; tables that held nothing are not named.
        keys: Their keys in the log.
    """

    at: int
    rows: dict[str, int]
    keys: Sequence[str] = field(repr=False)


def erase(connection: Connection, tools: Tools, key: str, known: Rejects) -> Erased:
    """Remove a person under all their ids, and set tombstones; commits nothing.

    Runs in a transaction of its own: whatever else a batch does would be written after it, and bring them back. The
    online store comes before the commit: if that fails the log still has them, and a state that lacks is rebuilt.

    Args:
        connection: The engine's, in its transaction.
        tools: What the engine keeps in memory.
        key: The user's id, or `anonymous:<id>`; somebody unknown leaves a tombstone too.
        known: What was found among the rejects before, so that the transaction looks at the latest only.
    """
    database = driver(connection)
    at = tools.clock.now()
    found = trace(database, key)
    mentions = mentions_of(database, found)
    removed = {each.table: _delete(connection, each, found.values[each.of]) for each in holdings()}
    removed["rejects"] = _delete(connection, REJECTS, mentions.rejects(database, known).ids)
    set_tombstones(database, found.keys, at=at)
    tools.keeper.forget(found.keys)
    numbers = set(found.numbers)
    tools.unwritten[:] = [each for each in tools.unwritten if each.user_no not in numbers]
    tools.next_due = Timers(connection, tools.timing).look()
    return Erased(at, {name: count for name, count in removed.items() if count}, found.keys)


def _delete(connection: Connection, held: Holding, values: Sequence[object]) -> int:
    if not values:
        return 0
    return connection.exec_driver_sql(f"DELETE {held.source}", (json.dumps(list(values)),)).rowcount
