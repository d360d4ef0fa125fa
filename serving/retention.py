"""What need not be kept for ever: forgotten kind by kind, a little at a time, for as long as the process lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple, Protocol

from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from features.moments import DAY_US
from serving.dispatcher import Writer
from serving.driver import driver
from serving.facts import fact, set_fact
from serving.forgetting import forget_ledger, forget_messages, forget_rows
from serving.log import decision_id
from serving.log_retention import OldEvents, forget_events
from serving.settings import Settings

LOOK_EVERY_S = 600.0
REST_S = 0.05
AT_ONCE = 2000
PEOPLE_AT_ONCE: Final = 50
# What was pruned is not looked at again: ids ascend with their moments.
_PRUNED_UNTIL = "features_pruned_until"
_NEXT = "SELECT decision_id FROM evaluations WHERE decision_id > ? AND decision_id < ? ORDER BY decision_id LIMIT ?"
_PRUNE = "UPDATE evaluations SET features = NULL WHERE decision_id > ? AND decision_id <= ?"
_log = logging.getLogger(__name__)


class Forget(Protocol):
    """Forgets rows of one kind that are older than a moment, so many at once; returns how many."""

    def __call__(self, connection: Connection, /, *, before: int, at_once: int) -> int:
        """Run within a transaction; `before` in microseconds."""


class Kind(NamedTuple):
    """Something that is kept for so many days, after which `forget` removes it."""

    name: str
    days: Callable[[], float]
    forget: Forget


def prune_features(connection: Connection, /, *, before: int, at_once: int = AT_ONCE) -> int:
    """Forget the feature vectors of evaluations before a moment in microseconds; return how many, at most `at_once`."""
    done = fact(driver(connection), _PRUNED_UNTIL) or ""
    found = connection.exec_driver_sql(_NEXT, (done, decision_id(max(before, 0)), at_once)).scalars().all()
    if found:
        connection.exec_driver_sql(_PRUNE, (done, found[-1]))
        set_fact(driver(connection), _PRUNED_UNTIL, found[-1])
    return len(found)


def kinds(keeping: Settings, longest_cap_us: Callable[[], int]) -> list[Kind]:
    """Return what is forgotten, and after how long: decisions no later than their events, messages than decisions."""
    ledger = _sooner(keeping.keep_events_days, keeping.keep_decisions_days)
    found: list[tuple[int | None, str, Forget]] = [
        (keeping.keep_features_days, "feature vectors", prune_features),
        (keeping.keep_rejects_days, "rejects", partial(forget_rows, table="rejects")),
        (keeping.keep_rejects_days, "reports about nobody", partial(forget_rows, table="reports")),
        # By their own moments, since messages about segments hang on no decision.
        (_sooner(ledger, keeping.keep_messages_days), "messages", forget_messages),
        (ledger, "decisions", forget_ledger),
        (ledger, "who was given which code", partial(forget_rows, table="code_holders")),
        (keeping.keep_events_days, "changes of segments", partial(forget_rows, table="segment_changes")),
    ]
    always = [Kind(name, partial(float, days), forget) for days, name, forget in found if days is not None]
    sends = partial(forget_rows, table="sends")
    return [*always, Kind("sends", lambda: max(keeping.keep_sends_days, longest_cap_us() / DAY_US), sends)]


def _sooner(*days: int | None) -> int | None:
    return min((each for each in days if each is not None), default=None)


async def keep_pruning(
    writer: Writer, keeping: Settings, *, database: Database, longest_cap_us: Callable[[], int], now: Callable[[], int]
) -> None:
    """Forget whatever grows older than it is kept; a kind that cannot be forgotten keeps no other.

    Args:
        writer: Runs what forgets.
        keeping: How long to keep what.
        database: Where old events are looked for, on connections of its own.
        longest_cap_us: How far back the caps of the present policy look, in microseconds.
        now: The present moment on the clock of the events, in microseconds.
    """
    forever = [
        _again_and_again(partial(_forget, writer, each, now), each.name) for each in kinds(keeping, longest_cap_us)
    ]
    if keeping.keep_events_days is not None:
        old = partial(_forget_log, writer, OldEvents(database), keeping.keep_events_days, now)
        forever.append(_again_and_again(old, "events"))
    await asyncio.gather(*forever)


async def _again_and_again(forget: Callable[[], Awaitable[None]], name: str) -> None:
    while True:
        try:
            await forget()
        except Exception:  # noqa: BLE001 - full disk, too many requests
            # The next look is the retry.
            _log.exception("old %s could not be forgotten", name)
        await asyncio.sleep(LOOK_EVERY_S)


async def _forget(writer: Writer, kind: Kind, now: Callable[[], int]) -> None:
    before = now() - round(kind.days() * DAY_US)
    job = partial(kind.forget, before=before, at_once=AT_ONCE)
    forgotten = AT_ONCE
    while forgotten >= AT_ONCE:
        forgotten = await writer.write(job)
        await asyncio.sleep(REST_S)


async def _forget_log(writer: Writer, old: OldEvents, days: int, now: Callable[[], int]) -> None:
    before = now() - days * DAY_US
    slices = await asyncio.to_thread(old.slices)
    for start in slices:
        is_last = start == slices[-1]
        people = await asyncio.to_thread(partial(old.people, start, before=before, is_last=is_last))
        for begin in range(0, len(people), PEOPLE_AT_ONCE):
            some = people[begin : begin + PEOPLE_AT_ONCE]
            await writer.write(partial(forget_events, people=some, before=before))
            await asyncio.sleep(REST_S)
