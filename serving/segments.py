"""Looking at segments beside the requests: where time has passed, the file was changed, or history was imported."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from serving import members
from serving.clock import wall
from serving.driver import driver, scalar
from serving.members import AT_ONCE_DUE
from serving.memberships import Memberships
from serving.people import People

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from policy.segments import SegmentRules
    from serving.engine import Engine
    from serving.work import Tools

LOOK_EVERY_S: Final = 0.5
_AT_ONCE: Final = 64
_WITHIN_S, _REST_S = 0.005, 0.01
"""How long a transaction looks at people, and how long it is at least until the next one: events wait for neither."""
_AT_A_TIME: Final = 5000
_log = logging.getLogger(__name__)

_DUE: Final = """
SELECT u.user_key FROM segment_looks l JOIN users u USING (user_no)
WHERE l.due_at IS NOT NULL AND l.due_at <= ? AND u.merged_into IS NULL ORDER BY l.due_at, l.user_no LIMIT ?
"""
_NEXT: Final = "SELECT min(due_at) FROM segment_looks WHERE due_at IS NOT NULL"
_MARK: Final = """
INSERT INTO segment_looks (user_no, looked_at, due_at)
SELECT user_no, 0, ? FROM users WHERE merged_into IS NULL AND last_seq > 0 AND user_no > ? AND user_no <= ?
ON CONFLICT (user_no) DO UPDATE SET due_at = excluded.due_at
"""
_LAST_USER: Final = "SELECT max(user_no) FROM users"
_REMOVE: Final = """
DELETE FROM segment_members WHERE segment = ?1
AND user_no IN (SELECT user_no FROM segment_members WHERE segment = ?1 LIMIT ?2)
"""
_FORGET_LOOKS: Final = "DELETE FROM segment_looks WHERE user_no IN (SELECT user_no FROM segment_looks LIMIT ?)"


class Tended(NamedTuple):
    """How many people were looked at, how much of it changed something, how many messages that made."""

    people: int = 0
    changes: int = 0
    messages: int = 0


def tend(connection: Connection, tools: Tools) -> Tended:
    """Look at some of those for whom time may have changed something until now, each as of that moment.

    Runs in a transaction of its own, so that the log holds whatever was taken.
    """
    now = tools.clock.now()
    found = driver(connection).execute(_DUE, (now, _AT_ONCE)).fetchall()
    if not found or not tools.policy.segments:
        return Tended()
    people = People(connection)
    people.find(key for (key,) in found)
    memberships = Memberships(connection, tools.policy, tools.scorer)
    looked, changes = memberships.catch_up(people.known(), until=now + 1, within_s=_WITHIN_S)
    memberships.send(at=wall())
    return Tended(looked, changes, len(memberships.messages))


async def keep_segments(engine: Engine, database: Database, rules: Callable[[], SegmentRules]) -> None:
    """Keep memberships current beside the requests, for as long as the process lives; `rules` are those in service."""
    adopted: SegmentRules | None = None
    while True:
        try:
            current = rules()
            if current is not adopted:
                await adopt(engine, current)
                adopted = current
            if current.by_name:
                await tend_all(engine, database, rest_s=_REST_S)
        except Exception:  # noqa: BLE001 - full disk, locked database: the next look is the retry
            _log.exception("segments could not be looked at")
        await asyncio.sleep(LOOK_EVERY_S)


async def tend_all(engine: Engine, database: Database, *, rest_s: float = 0.0) -> int:
    """Look at everybody who is due until now, a few in each transaction; return how many changes there were.

    Between two transactions others have their turn, for `rest_s` seconds at least.
    """
    changes = 0
    while _is_due(database, engine.now()):
        tended = await engine.tend_segments()
        if not tended.people:
            break
        changes += tended.changes
        await asyncio.sleep(rest_s)
    return changes


async def adopt(engine: Engine, rules: SegmentRules) -> None:
    """Let everybody be looked at anew where the segments are not those that are kept; forget those that are gone.

    Works through the users in chunks; interrupted, it begins again. What it finds is logged, and sent to nobody.
    """
    before = await engine.write(lambda connection: members.kept(driver(connection)))
    if before == rules.digests:
        return
    gone = sorted(before.keys() - rules.digests.keys())
    left = sum([await _in_chunks(engine, _REMOVE, (name, _AT_A_TIME)) for name in gone])
    new = [name for name, digest in rules.digests.items() if before.get(name) != digest]
    # Whatever is imported from here on is looked at, too.
    begun = {**rules.digests, **dict.fromkeys(new, "")}
    await engine.write(lambda connection: members.keep(driver(connection), begun))
    people = await _mark(engine) if new else 0
    await engine.write(lambda connection: members.keep(driver(connection), rules.digests))
    if not rules.by_name:
        await _in_chunks(engine, _FORGET_LOOKS, (_AT_A_TIME,))
    _log.info(
        "segments changed: %s to be computed for %d people; %s gone, which %d people were in",
        ", ".join(new) or "none",
        people,
        ", ".join(gone) or "none",
        left,
    )


async def _mark(engine: Engine) -> int:
    """Let everybody be due; return how many."""
    after, people = 0, 0
    while True:
        last, marked = await engine.write(partial(_mark_some, after=after))
        people += marked
        if after >= last:
            return people
        after += _AT_A_TIME


def _mark_some(connection: Connection, *, after: int) -> tuple[int, int]:
    direct = driver(connection)
    marked = direct.execute(_MARK, (AT_ONCE_DUE, after, after + _AT_A_TIME)).rowcount
    return scalar(direct, _LAST_USER) or 0, marked


async def _in_chunks(engine: Engine, statement: str, values: tuple[object, ...]) -> int:
    """Run a statement until it changes nothing any more; return how many rows it changed."""
    changed = 0
    while some := await engine.write(lambda connection: driver(connection).execute(statement, values).rowcount):
        changed += some
    return changed


def _is_due(database: Database, now: int) -> bool:
    with database.connect() as connection:
        due_at: int | None = scalar(driver(connection), _NEXT)
    return due_at is not None and due_at <= now
