"""The names of events that nobody knows: kept as activity, counted, listed beside the nearest known name."""

import json
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

_COUNT = """
INSERT INTO unknown_names (name, seen, last_at, nearest) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET seen = seen + excluded.seen, last_at = max(last_at, excluded.last_at)
"""
_KNOWN = "SELECT name FROM unknown_names WHERE name IN (SELECT value FROM json_each(?))"
_HOW_MANY = "SELECT count(*) FROM unknown_names"
_MOST_NAMES = 10_000


def count_unknown(
    connection: Connection, seen: Mapping[str, int], *, at: int, nearest: Callable[[str], str | None]
) -> None:
    """Add how often each unknown name was seen.

    Args:
        connection: Of a transaction; the counts commit with the events they count.
        seen: Name, as it came, to number of events.
        at: When, in microseconds.
        nearest: Finds the known name most like it; asked once for each new name.
    """
    if not seen:
        return
    rows = connection.exec_driver_sql(_KNOWN, (json.dumps(list(seen)),))
    before = {str(row[0]) for row in rows}
    new = [name for name in seen if name not in before]
    if new:
        # Names that contain a number of their own would fill the table for ever.
        room = _MOST_NAMES - int(connection.exec_driver_sql(_HOW_MANY).scalar() or 0)
        new = new[: max(room, 0)]
    counted: list[tuple[object, ...]] = [(name, seen[name], at, None) for name in before]
    counted += [(name, seen[name], at, nearest(name)) for name in new]
    if counted:
        connection.exec_driver_sql(_COUNT, counted)
