"""Rows of the ledger, the outbox and their like that grew too old: removed so many at once, the oldest first."""

import json
from typing import Final

from sqlalchemy import Connection

from serving.driver import driver
from serving.log import decision_id

AT_ONCE: Final = 2000
TABLES: Final = {
    "rejects": "reject_id",
    "reports": "report_id",
    "sends": "rowid",
    "segment_changes": "change_id",
    "code_holders": "rowid",
}
"""Those that nothing hangs on, and what their rows go by."""

# What waits to be sent stays, and so does what it was decided by.
_MESSAGES_OF: Final = """
SELECT message_id FROM outbox WHERE trigger_decision_id < ? AND status <> 'pending' ORDER BY trigger_decision_id LIMIT ?
"""
_DECISIONS: Final = """
SELECT d.trigger_decision_id FROM decisions d WHERE d.trigger_decision_id < ?
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.trigger_decision_id = d.trigger_decision_id)
ORDER BY d.trigger_decision_id LIMIT ?
"""
# A decision's id begins with that of its evaluation and a full stop; what follows a full stop is a slash.
_EVALUATIONS: Final = """
SELECT e.decision_id FROM evaluations e WHERE e.decision_id < ? AND NOT EXISTS (
    SELECT 1 FROM decisions d
    WHERE d.trigger_decision_id > e.decision_id || '.' AND d.trigger_decision_id < e.decision_id || '/'
) ORDER BY e.decision_id LIMIT ?
"""
# In the order they were written, so that nothing is looked at beyond the first that is young enough.
_FIRST: Final = {
    "outbox": "SELECT message_id, created_at FROM outbox WHERE status <> 'pending' ORDER BY rowid LIMIT ?",
    "rejects": "SELECT reject_id, received_at FROM rejects ORDER BY reject_id LIMIT ?",
    "reports": "SELECT report_id, received_at FROM reports ORDER BY rowid LIMIT ?",
    "sends": "SELECT rowid, at FROM sends ORDER BY rowid LIMIT ?",
    "code_holders": "SELECT rowid, at FROM code_holders ORDER BY rowid LIMIT ?",
    "segment_changes": "SELECT change_id, at FROM segment_changes ORDER BY change_id LIMIT ?",
}
_OF_MESSAGES: Final = ("deliveries", "renderings")
_DELETE: Final = "DELETE FROM {} WHERE {} IN (SELECT value FROM json_each(?))"


def forget_ledger(connection: Connection, /, *, before: int, at_once: int = AT_ONCE) -> int:
    """Remove what was evaluated and decided before a moment (µs), with outcomes and messages; return how many rows."""
    end = decision_id(max(before, 0))
    messages = _found(connection, _MESSAGES_OF, end, at_once)
    _delete_messages(connection, messages)
    decisions = _found(connection, _DECISIONS, end, at_once)
    _delete(connection, "outcomes", "trigger_decision_id", decisions)
    _delete(connection, "decisions", "trigger_decision_id", decisions)
    evaluations = _found(connection, _EVALUATIONS, end, at_once)
    _delete(connection, "evaluations", "decision_id", evaluations)
    return max(map(len, (messages, decisions, evaluations)))


def forget_messages(connection: Connection, /, *, before: int, at_once: int = AT_ONCE) -> int:
    """Remove messages made before a moment (µs) that wait no more, and their deliveries; return how many messages."""
    found = _oldest(connection, "outbox", before, at_once)
    _delete_messages(connection, found)
    return len(found)


def forget_rows(connection: Connection, /, *, table: str, before: int, at_once: int = AT_ONCE) -> int:
    """Remove the rows of one of `TABLES` that came before a moment (µs); return how many."""
    found = _oldest(connection, table, before, at_once)
    _delete(connection, table, TABLES[table], found)
    return len(found)


def _found(connection: Connection, statement: str, end: str, at_once: int) -> list[object]:
    return [row[0] for row in driver(connection).execute(statement, (end, at_once)).fetchall()]


def _oldest(connection: Connection, table: str, before: int, at_once: int) -> list[object]:
    first = driver(connection).execute(_FIRST[table], (at_once,)).fetchall()
    return [key for key, at in first if at < before]


def _delete_messages(connection: Connection, messages: list[object]) -> None:
    for table in (*_OF_MESSAGES, "outbox"):
        _delete(connection, table, "message_id", messages)


def _delete(connection: Connection, table: str, column: str, values: list[object]) -> None:
    if values:
        driver(connection).execute(_DELETE.format(table, column), (json.dumps(values),))
