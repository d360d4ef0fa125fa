"""What is left to do once a policy is in service: withdraw, end what no trigger knows, enrol who waits already.

All of it looks at many rows, so it reads beside the batch loop and writes a little at a time within it.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy import Engine as Database

from policy.departure import Objection
from policy.policy import Policy
from policy.reasons import Reason
from policy.timing import timing
from policy.triggers import Trigger
from serving.engine import Engine
from serving.enrolment import Enrolment, Progress, enrolling
from serving.policy_change import Change, left_over, settle, unsendable, waiting
from serving.withdrawal import withdraw

T = TypeVar("T")
AT_ONCE, REST_S, RETRY_S = 100, 0.005, 30.0
_CHANGED = Objection(Reason.POLICY_CHANGED)
_log = logging.getLogger(__name__)


async def follow(engine: Engine, database: Database, policy: Policy, change: Change | None) -> None:
    """Do it, and try again where that fails; whatever was done stays done.

    Args:
        engine: Where `policy` is in service.
        database: To read from, beside the engine.
        policy: The policy.
        change: What is different from the one before; None where all was done before.
    """
    while True:
        try:
            if change is not None:
                await _settle(engine, database, policy, change)
                change = None
            for trigger in enrolling(policy):
                await _enrol(engine, database, policy, trigger)
        except Exception:  # noqa: BLE001 - full disk, too many requests: it is tried again
            _log.exception("what follows from a change of the policy could not be done; trying again")
            await asyncio.sleep(RETRY_S)
        else:
            return


def in_words(change: Change, *, ended: int, withdrawn: int, waiting: int) -> str:
    """Say in one line what a change of policy came to."""
    lists = [("added", change.added), ("removed", change.removed), ("changed", change.changed)]
    said = [f"{len(names)} {word} ({', '.join(names)})" for word, names in lists if names]
    instead = f" instead of {change.before}" if change.before not in (None, change.version) else ""
    return (
        f"policy {change.version} is in service{instead}; triggers: {', '.join(said) or 'as before'}; "
        f"{ended:,} timers ended, {withdrawn:,} messages withdrawn, {waiting:,} timers wait on"
    )


async def _settle(engine: Engine, database: Database, policy: Policy, change: Change) -> None:
    withdrawn = await _withdraw(engine, database, policy)
    ended = await _end(engine, database, policy)
    waits = await _beside(database, waiting)
    await engine.write(lambda connection: settle(connection, change.version))
    _log.info("%s", in_words(change, ended=ended, withdrawn=withdrawn, waiting=sum(waits.values())))


async def _withdraw(engine: Engine, database: Database, policy: Policy) -> int:
    """Withdraw the messages that the policy would not send."""

    def withdraw_some(connection: Connection) -> int:
        # By another policy they may be meant to go out again.
        return withdraw(connection, dict.fromkeys(some, _CHANGED)) if engine.policy is policy else 0

    withdrawn, found = 0, await _beside(database, partial(unsendable, policy=policy))
    for first in range(0, len(found), AT_ONCE):
        some = found[first : first + AT_ONCE]
        withdrawn += await engine.write(withdraw_some)
        await asyncio.sleep(REST_S)
    return withdrawn


async def _end(engine: Engine, database: Database, policy: Policy) -> int:
    """End the timers that no trigger knows."""
    ended, last, kept = 0, None, timing(policy)
    while found := await _beside(database, partial(left_over, timing=kept, after=last, at_most=AT_ONCE)):
        last = found[-1]
        ended += await engine.end(found)
        await asyncio.sleep(REST_S)
    return ended


async def _enrol(engine: Engine, database: Database, policy: Policy, trigger: Trigger) -> None:
    """Enrol who waits already by a trigger, from where it was left off."""
    enrolment = Enrolment(trigger, engine.now())
    progress: Progress | None = await _beside(database, partial(_begun, enrolment))
    while progress is not None and not progress.done:
        progress = await _enrol_some(engine, database, policy, enrolment, progress)
        if progress is not None and progress.done:
            told = (trigger.name, f"{progress.enrolled:,}", f"{progress.too_late:,}")
            _log.info("trigger %s enrolled %s who waited already; %s would have come too late", *told)
        await asyncio.sleep(REST_S)


async def _enrol_some(
    engine: Engine, database: Database, policy: Policy, enrolment: Enrolment, before: Progress
) -> Progress | None:
    """Enrol the next people; None where another policy came into service meanwhile."""
    enrolment.now = engine.now()
    people = await _beside(database, partial(enrolment.look, after=before.through, at_most=AT_ONCE))

    def enrol(connection: Connection) -> Progress | None:
        return enrolment.enrol(connection, people, before) if engine.policy is policy else None

    return await engine.write(enrol)


def _begun(enrolment: Enrolment, connection: Connection) -> Progress:
    """Return how far an enrolment is, ready to go on."""
    progress = enrolment.progress(connection)
    if not progress.done:
        enrolment.resume(connection)
    return progress


async def _beside(database: Database, look: Callable[[Connection], T]) -> T:
    """Return what a function reads on a connection of its own, beside the event loop."""

    def looked() -> T:
        with database.connect() as connection:
            return look(connection)

    return await asyncio.to_thread(looked)
