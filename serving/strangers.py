"""Reports about nobody whom the log knows: counted without a word of whose they are; what they forbid is heeded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from features.events import FLAG_MACHINE, FLAGS, unpack_record
from serving.driver import driver
from serving.lessons import lesson_of
from serving.suppressions import ADDRESS, Suppression
from serving.withdrawal import suppress

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from features.events import Event

_KEEP: Final = """
INSERT INTO reports (report_id, source, name, occurred_at, received_at, machine) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (report_id) DO NOTHING
"""


def keep_strangers(connection: Connection, source: str, events: Sequence[Event], *, at: int) -> int:
    """Count reports that are nobody's, each once; return how many are new.

    An opt-out, a complaint or a bounce for good suppresses its address, whoever has it now or later.
    """
    new = 0
    for event in events:
        machine = bool(int(unpack_record(event.record)[FLAGS]) & FLAG_MACHINE)
        row = (event.message_id, source, event.name, event.occurred_at, at, machine)
        new += max(0, driver(connection).execute(_KEEP, row).rowcount)
    lessons = [lesson_of(each) for each in events]
    barred = [
        Suppression(ADDRESS, each.target, *each.opt_out, at)
        for each in lessons
        if each.opt_out is not None and each.target is not None
    ]
    if barred:
        suppress(connection, barred)
    return new
