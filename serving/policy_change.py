"""What becomes of what waits when the policy changes: messages are withdrawn, timers end, each with a reason.

A trigger that was taken out ends its timers, and withdraws its messages; one that is no longer live withdraws those to
whom it no longer sends, which the dispatcher would refuse to send in any case. Whatever else changes, timers keep their
moment and decide by the new rules. What was in service last is a fact in the database, so a file that changed while the
server was down is one that changed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection

from features.catalog import CATALOGUE
from policy.decide import TEST_USER
from policy.policy import Policy
from policy.reasons import Action, Reason
from policy.timing import Timing
from policy.triggers import Trigger
from serving import ledger
from serving.clock import wall
from serving.driver import driver, scalar
from serving.enrolment import forget
from serving.facts import fact, set_fact
from serving.ledger import DecisionRow, EvaluationRow
from serving.log import decision_id
from serving.timers import Timer, Timers
from serving.work import Tools

_FACT: Final = "policy"
_UNSENDABLE: Final = """
SELECT o.message_id FROM outbox o LEFT JOIN users u ON u.user_no = o.user_no
LEFT JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE o.status = 'pending' AND o.trigger NOT IN (SELECT value FROM json_each(?1))
AND NOT (o.trigger IN (SELECT value FROM json_each(?2)) AND p.excluded IS ?3)
"""
_LEFT_OVER: Final = """
SELECT t.user_no, p.user_key, t.trigger, t.step, t.key, t.due_at, t.armed_at, t.event_seq
FROM timers t JOIN users u USING (user_no) JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE (t.trigger, t.step) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))
AND (t.user_no, t.trigger, t.step, t.key) > (?, ?, ?, ?) ORDER BY t.user_no, t.trigger, t.step, t.key LIMIT ?
"""
_COUNTS: Final = "SELECT trigger, count(*) FROM timers GROUP BY trigger"
_LAST_SEQ: Final = "SELECT last_seq FROM users WHERE user_no = ?"


class InService(NamedTuple):
    """Which policy decides, and since when.

    Attributes:
        version: Of the policy.
        since: When it was put in service, in microseconds of the wall clock.
        triggers: Name -> digest of what the file says of it.
        settled: Whether all is done with what waited by the policy before.
    """

    version: str
    since: int
    triggers: dict[str, str]
    settled: bool


@dataclass(frozen=True, slots=True)
class Change:
    """From one policy to another.

    Attributes:
        version: Of the new one.
        before: Version of the one before; None where there was none.
        added: Names of new triggers, in the file's order.
        removed: Names of those that are gone.
        changed: Names of those that read differently.
    """

    version: str
    before: str | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def in_service(connection: Connection) -> InService | None:
    """Return which policy was put in service last; None in a new database."""
    value = fact(driver(connection), _FACT)
    return None if value is None else InService(**json.loads(value))


def put_in_service(connection: Connection, policy: Policy, *, at: int) -> Change | None:
    """Remember that a policy decides from now on.

    Args:
        connection: In a transaction that writes.
        policy: The policy.
        at: The wall clock's moment in microseconds.

    Returns:
        What is different from the one before; None where nothing is, and nothing is left to do.
    """
    before, triggers = in_service(connection), {each.name: _digest(each) for each in policy.triggers}
    same = before is not None and before.version == policy.version
    if before is not None and same and before.settled:
        return None
    since = before.since if before is not None and same else at
    _remember(connection, InService(policy.version, since, triggers, settled=False))
    known = {} if before is None else before.triggers
    removed = tuple(name for name in known if name not in triggers)
    forget(connection, removed)
    return Change(
        version=policy.version,
        before=None if before is None else before.version,
        added=tuple(name for name in triggers if name not in known),
        removed=removed,
        changed=tuple(name for name in triggers if name in known and known[name] != triggers[name]),
    )


def settle(connection: Connection, version: str) -> None:
    """Remember that nothing is left to do for a policy, if it is still the one that decides."""
    found = in_service(connection)
    if found is not None and found.version == version:
        _remember(connection, found._replace(settled=True))


def left_over(connection: Connection, timing: Timing, *, after: Timer | None, at_most: int) -> list[Timer]:
    """Return the next timers that no trigger knows any more, those of earlier users first; empty at the end.

    Between them it looks at all that are known, so it is not for the batch loop.

    Args:
        connection: To read from.
        timing: Of the policy in service.
        after: The last one of before; None at the beginning.
        at_most: How many.
    """
    known = [(each.name, step) for each in timing.by_name.values() for step in range(len(each.steps) + 1)]
    place = (0, "", 0, "") if after is None else (after.user_no, after.trigger, after.step, after.key)
    rows = driver(connection).execute(_LEFT_OVER, (json.dumps(known), *place, at_most)).fetchall()
    return [Timer(*row) for row in rows]


def end(connection: Connection, timers: Sequence[Timer], tools: Tools) -> int:
    """End timers that no trigger knows any more, each with a decision in the ledger; return how many still waited."""
    waiting = Timers(connection, tools.timing)
    unknown = [each for each in timers if tools.timing.of(each.trigger, each.step) is None]
    ended = [(each, tools.ticks.next()) for each in unknown if waiting.take(each)]
    evaluations = [_evaluation(connection, each, at) for each, at in ended]
    decisions = [_decision(each, at, tools.policy.version) for each, at in ended]
    ledger.write(connection, evaluations, decisions)
    return len(ended)


def unsendable(connection: Connection, policy: Policy) -> list[str]:
    """Return the ids of messages that wait and that the policy would not send; looks at all that wait."""
    live = [each.name for each in policy.triggers if each.live]
    rehearsing = [each.name for each in policy.triggers if each.rehearses]
    asked = (json.dumps(live), json.dumps(rehearsing), TEST_USER)
    return [message_id for (message_id,) in driver(connection).execute(_UNSENDABLE, asked).fetchall()]


def waiting(connection: Connection) -> dict[str, int]:
    """Return trigger -> how many of its timers wait; looks at all of them, so not for the batch loop."""
    return dict(driver(connection).execute(_COUNTS).fetchall())


def _remember(connection: Connection, found: InService) -> None:
    set_fact(driver(connection), _FACT, json.dumps(found._asdict()))


def _digest(trigger: Trigger) -> str:
    content = json.dumps(trigger.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _evaluation(connection: Connection, timer: Timer, at: int) -> EvaluationRow:
    """Return the evaluation that the decision hangs on; nothing was scored for it."""
    return EvaluationRow(
        decision_id=decision_id(at),
        user_no=timer.user_no,
        seq=scalar(driver(connection), _LAST_SEQ, (timer.user_no,)) or 0,
        at=at,
        event_seq=None,
        features=None,
        catalogue=CATALOGUE.fingerprint,
        scores="{}",
        models="{}",
        answered_at=wall(),
    )


def _decision(timer: Timer, at: int, version: str) -> DecisionRow:
    return DecisionRow(
        trigger_decision_id=f"{decision_id(at)}.{timer.trigger}",
        decision_id=decision_id(at),
        user_no=timer.user_no,
        trigger=timer.trigger,
        at=at,
        event_seq=timer.event_seq,
        action=Action.HOLD.value,
        reason=Reason.POLICY_CHANGED.value,
        score=None,
        threshold=None,
        horizon=None,
        arm=None,
        propensity=1.0,
        model_version=None,
        policy_version=version,
        step=timer.step,
    )
