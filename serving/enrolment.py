"""Whom a trigger begins with: people whose log shows that they wait already, found and enrolled a few at a time.

A trigger with `enrol: existing` enrols once, when it is first in service: where an event that lets it wait is in the
log, imported history too, nothing of `cancel_on` came after it, and its moment is yet to come or passed less than
`expires_after` ago. For `inactive_for` it does not matter how long ago that moment was. How far it came is a fact in
the database, written together with the timers: after a restart it goes on from there.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.policy import Policy
from policy.reasons import Reason
from policy.spread import Spread
from policy.trigger_fields import Enrol
from policy.triggers import Trigger
from serving.driver import driver, scalar
from serving.facts import fact, forget_fact, set_fact
from serving.waiting import Found, Wait, is_in_time, people_after, up_to_date

# A decision's own id begins with that of its evaluation and a full stop; what follows a full stop is a slash.
_DECIDED: Final = """
SELECT 1 FROM users u JOIN evaluations v ON v.user_no = u.user_no AND v.event_seq IS NULL AND v.at > ?2
JOIN decisions d ON d.trigger_decision_id > v.decision_id || '.' AND d.trigger_decision_id < v.decision_id || '/'
WHERE (u.user_no = ?1 OR u.merged_into = ?1) AND d.trigger = ?3 AND d.reason <> ?4 AND (?5 IS NULL OR d.event_seq = ?5)
LIMIT 1
"""
_ENROL: Final = """
INSERT INTO timers (user_no, trigger, step, key, due_at, armed_at, event_seq) VALUES (?, ?, 0, ?, ?, ?, ?)
ON CONFLICT (user_no, trigger, step, key) DO NOTHING
"""
_WAITS: Final = "SELECT 1 FROM timers WHERE user_no = ? AND trigger = ? AND step = 0 AND key = ?"
_TAKEN: Final = "SELECT due_at FROM timers WHERE trigger = ?"


class Progress(NamedTuple):
    """How far the enrolment of a trigger is: of which definition, through which user number, and what came of it."""

    of: str
    through: int = 0
    enrolled: int = 0
    too_late: int = 0
    done: bool = False


@dataclass(slots=True)
class Enrolment:
    """The enrolment of one trigger; `look` reads beside the batch loop, `enrol` writes within it."""

    trigger: Trigger
    now: int
    """In microseconds, to be moved on; who would have been decided about before is spread out from then on."""
    _spread: Spread = field(init=False)
    _key: str = field(init=False)

    def __post_init__(self) -> None:
        self._spread = Spread(self.trigger.enrol_per_hour)
        self._key = f"enrol {self.trigger.name}"

    def progress(self, connection: Connection) -> Progress:
        """Return how far it is; where the trigger enrolled by another definition, it has not begun."""
        value = fact(driver(connection), self._key)
        found = None if value is None else Progress(**json.loads(value))
        of = _definition(self.trigger)
        return found if found is not None and found.of == of else Progress(of)

    def resume(self, connection: Connection) -> None:
        """Learn which moments are taken; looks at all timers, so not for the batch loop."""
        for (due_at,) in driver(connection).execute(_TAKEN, (self.trigger.name,)).fetchall():
            if due_at > self.now:
                self._spread.take(due_at)

    def look(self, connection: Connection, *, after: int, at_most: int) -> list[Found]:
        """Return the next people of the log, those who do not wait too; empty when there are no more."""
        return people_after(connection, self.trigger, after=after, now=self.now, at_most=at_most)

    def enrol(self, connection: Connection, people: Sequence[Found], before: Progress) -> Progress:
        """Give timers to those who wait, in a transaction; return how far it is now."""
        enrolled = too_late = 0
        for each in up_to_date(connection, self.trigger, people, now=self.now):
            for wait in each.waits:
                if self._waits_or_is_decided(connection, each.user_no, wait):
                    continue
                due_at = self._spread.next(max(wait.due_at, self.now))
                if not is_in_time(self.trigger, wait, due_at):
                    too_late += 1
                    continue
                row = (each.user_no, self.trigger.name, wait.key, due_at, wait.armed_at, wait.event_seq)
                driver(connection).execute(_ENROL, row)
                self._spread.take(due_at)
                enrolled += 1
        through = people[-1].user_no if people else before.through
        progress = Progress(before.of, through, before.enrolled + enrolled, before.too_late + too_late, done=not people)
        set_fact(driver(connection), self._key, json.dumps(progress._asdict()))
        return progress

    def _waits_or_is_decided(self, connection: Connection, user_no: int, wait: Wait) -> bool:
        name = self.trigger.name
        if scalar(driver(connection), _WAITS, (user_no, name, wait.key)) is not None:
            return True
        quiet = self.trigger.inactive_for is not None
        since = wait.due_at - self.trigger.waits_us if quiet else wait.armed_at
        asked = (user_no, since, name, Reason.POLICY_CHANGED.value, None if quiet else wait.event_seq)
        return scalar(driver(connection), _DECIDED, asked) is not None


def enrolling(policy: Policy) -> list[Trigger]:
    """Return the triggers that begin with whoever waits already."""
    return [each for each in policy.triggers if each.enrol is Enrol.EXISTING]


def enrolled(connection: Connection, trigger: Trigger) -> int | None:
    """Return how many a trigger enrolled so far; None where it enrols nobody."""
    return Enrolment(trigger, 0).progress(connection).enrolled if trigger.enrol is Enrol.EXISTING else None


def forget(connection: Connection, names: Iterable[str]) -> None:
    """Let triggers that were taken out enrol anew, should they come back."""
    for name in names:
        forget_fact(driver(connection), f"enrol {name}")


def _definition(trigger: Trigger) -> str:
    """Return a digest of what decides who waits: a new threshold enrols nobody anew."""
    fields = {"name", "on", "after", "inactive_for", "cancel_on", "key", "enrol"}
    content = json.dumps(trigger.model_dump(mode="json", include=fields), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]
