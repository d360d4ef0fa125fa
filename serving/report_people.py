"""Whose a report is: by the decision that travelled along, else by our message, else by the address if one has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from features.events import user_key
from features.kinds import NAMES, Kind
from serving.driver import driver
from serving.reports import Report
from serving.scanners import Click, is_scanned, told_before

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OWNER: Final = "JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)"
_OF_DECISION: Final = f"""
SELECT p.user_key FROM decisions d JOIN users u ON u.user_no = d.user_no {_OWNER} WHERE d.trigger_decision_id = ?
"""
_OF_MESSAGE: Final = "SELECT trigger_decision_id FROM outbox WHERE message_id = ?"
_OF_ADDRESS: Final = f"""
SELECT DISTINCT p.user_key FROM addresses a JOIN users u ON u.user_no = a.user_no {_OWNER} WHERE a.address = ? LIMIT 2
"""
_OF_KEY: Final = f"SELECT p.user_key FROM users u {_OWNER} WHERE u.user_key = ?"


class Whose(NamedTuple):
    """The person behind a report by their key in the log, the decision it is about, and whether a machine did it."""

    key: str | None = None
    decision_id: str | None = None
    machine: bool = False


def whose_are(connection: Connection, reports: Sequence[Report], *, replay: bool = False) -> list[Whose]:
    """Return whose the reports of one request, live or in a `replay`, are; an address of several people is nobody's."""
    found = [_whose(connection, each) for each in reports]
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, each in enumerate(found):
        if each.key is not None and each.decision_id is not None:
            together[each.key, each.decision_id].append(i)
    for (key, decision_id), places in together.items():
        if any(reports[i].is_click for i in places):
            told = [(i, reports[i]) for i in places]
            _mark(connection, told, found, key, decision_id, replay=replay)
    return found


def _mark(
    connection: Connection,
    told: Sequence[tuple[int, Report]],
    found: list[Whose],
    key: str,
    decision_id: str,
    *,
    replay: bool,
) -> None:
    """Mark the clicks on one message that a machine made."""
    new = {i: Click(each.at, each.properties.get("url")) for i, each in told if each.is_click}
    moments = [each.at for each in new.values()]
    first, last = min(moments), max(moments)
    clicks, delivered = told_before(connection, key, decision_id, first=first, last=last, replay=replay)
    delivered += [each.at for _, each in told if each.what == NAMES[Kind.EMAIL_DELIVERED]]
    clicks += new.values()
    for i, click in new.items():
        found[i] = found[i]._replace(machine=is_scanned(click, clicks=clicks, delivered_at=delivered))


def _whose(connection: Connection, report: Report) -> Whose:
    decision_id = report.decision_id
    if decision_id is None and report.sent_id is not None:
        decision_id = next(_keys(connection, _OF_MESSAGE, report.sent_id), None)
    if decision_id is not None and (key := next(_keys(connection, _OF_DECISION, decision_id), None)) is not None:
        return Whose(key, decision_id)
    if report.ids != (None, None):
        named = user_key(*report.ids)
        return Whose(None if report.makes_people else next(_keys(connection, _OF_KEY, named), None))
    owners = list(_keys(connection, _OF_ADDRESS, report.address)) if report.address is not None else []
    return Whose(owners[0] if len(owners) == 1 else None)


def _keys(connection: Connection, statement: str, value: str) -> Iterator[str]:
    return (row[0] for row in driver(connection).execute(statement, (value,)).fetchall())
