"""Whom a trigger begins with: people whose log shows that they wait already, found and enrolled a few at a time.

A trigger with `enrol: existing` enrols once, when it is first in service: where an event that lets it wait is in the
log, imported history too, nothing of `cancel_on` came after it, and its moment is yet to come or passed less than
`expires_after` ago. For `inactive_for` it does not matter how long ago that moment was. How far it came is a fact in
the database, written together with the timers: after a restart it goes on from there.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from features.kinds import Kind, fold_name
from policy.decide import TEST_USER
from policy.event_names import EVENT_KINDS, event_key
from policy.reasons import Reason
from policy.runs import EVERYTHING
from policy.spread import Spread
from policy.timing import key_of, keys_ended
from policy.triggers import Enrol, Policy, Trigger
from serving.driver import driver, scalar

_FACT: Final = "SELECT value FROM facts WHERE name = ?"
_REMEMBER: Final = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)"
_NEXT: Final = """
SELECT user_no, last_seq, last_known_at FROM users
WHERE user_no > ? AND merged_into IS NULL AND last_known_at > ? AND (excluded IS NULL OR excluded = ?)
ORDER BY user_no LIMIT ?
"""
_THESE: Final = """
SELECT DISTINCT p.user_no, p.last_seq, p.last_known_at
FROM users u JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE u.user_no IN (SELECT value FROM json_each(?))
"""
# A chain goes on into the past of whoever was linked only as far as their own events do, so every id has its own.
_EVENTS: Final = """
WITH RECURSIVE chain (root, seq) AS (
    SELECT u.user_no, u.last_seq FROM users u WHERE u.user_no IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT u.merged_into, u.last_seq FROM users u WHERE u.merged_into IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT chain.root, e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq WHERE e.known_at > ?2
)
SELECT chain.root, e.seq, e.kind, e.name, e.occurred_at, e.payload FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.occurred_at > ?2 AND e.kind IN (SELECT value FROM json_each(?3)) ORDER BY e.occurred_at, e.seq
"""
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
_EVER: Final = -1
_properties = msgspec.json.Decoder().decode


class Found(NamedTuple):
    """Somebody who may wait: their number, their last event when they were looked at, and what for; moments in µs."""

    user_no: int
    last_seq: int
    waits: tuple["Wait", ...]


class Wait(NamedTuple):
    """What somebody waits for, since when and by which event, and when they would have been decided about."""

    key: str
    due_at: int
    armed_at: int
    event_seq: int


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

    @property
    def _since(self) -> int:
        """From when on events count, in microseconds."""
        if self.trigger.inactive_for is not None:
            return _EVER
        return self.now - self.trigger.waits_us - self.trigger.stale_after_us

    def progress(self, connection: Connection) -> Progress:
        """Return how far it is; where the trigger enrolled by another definition, it has not begun."""
        value = scalar(driver(connection), _FACT, (self._key,))
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
        allowed = TEST_USER if self.trigger.rehearses else ""
        rows = driver(connection).execute(_NEXT, (after, self._since, allowed, at_most)).fetchall()
        return self._found(connection, rows)

    def enrol(self, connection: Connection, people: Sequence[Found], before: Progress) -> Progress:
        """Give timers to those who wait, in a transaction; return how far it is now."""
        enrolled = too_late = 0
        for each in self._up_to_date(connection, people):
            for wait in each.waits:
                if self._waits_or_is_decided(connection, each.user_no, wait):
                    continue
                due_at = self._spread.next(max(wait.due_at, self.now))
                if not self._is_in_time(wait, due_at):
                    too_late += 1
                    continue
                row = (each.user_no, self.trigger.name, wait.key, due_at, wait.armed_at, wait.event_seq)
                driver(connection).execute(_ENROL, row)
                self._spread.take(due_at)
                enrolled += 1
        through = people[-1].user_no if people else before.through
        progress = Progress(before.of, through, before.enrolled + enrolled, before.too_late + too_late, done=not people)
        driver(connection).execute(_REMEMBER, (self._key, json.dumps(progress._asdict())))
        return progress

    def _is_in_time(self, wait: Wait, at: int) -> bool:
        return self.trigger.inactive_for is not None or at - wait.due_at <= self.trigger.stale_after_us

    def _up_to_date(self, connection: Connection, people: Sequence[Found]) -> list[Found]:
        """Look again at those of whom something was heard, or who were linked, since they were looked at."""
        numbers = json.dumps([each.user_no for each in people])
        rows = driver(connection).execute(_THESE, (numbers,)).fetchall()
        known = {(each.user_no, each.last_seq): each for each in people}
        still = [known[row[:2]] for row in rows if row[:2] in known]
        moved = [row for row in rows if row[:2] not in known]
        return still + (self._found(connection, moved) if moved else [])

    def _found(self, connection: Connection, people: Sequence[tuple[Any, ...]]) -> list[Found]:
        kinds = {_kind(each) for each in (*self.trigger.on, *self.trigger.cancel_on)}
        asked = (json.dumps([row[0] for row in people]), self._since, json.dumps(sorted(kinds)))
        events = defaultdict(list)
        for root, *event in driver(connection).execute(_EVENTS, asked).fetchall():
            events[root].append(event)
        return [Found(no, last_seq, tuple(self._waits(events[no], heard_at))) for no, last_seq, heard_at in people]

    def _waits(self, events: Iterable[Sequence[Any]], heard_at: int) -> list[Wait]:
        """Return what is still waited for, by events in the order in which they happened."""
        arming, cancelling = map(_keys, (self.trigger.on, self.trigger.cancel_on))
        waits: dict[str, Wait] = {}
        for seq, kind, name, occurred_at, payload in events:
            event = kind if kind != Kind.OTHER else fold_name(name)
            properties = _properties(payload).get("properties", {})
            if event in cancelling:
                ended = keys_ended(self.trigger, properties)
                waits = {key: each for key, each in waits.items() if not _is_ended(key, ended)}
            if event in arming and (key := key_of(self.trigger, properties)) is not None:
                since = occurred_at if self.trigger.inactive_for is None else heard_at
                waits[key] = Wait(key, since + self.trigger.waits_us, occurred_at, seq)
        return [each for each in waits.values() if self._is_in_time(each, self.now)]

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
        driver(connection).execute("DELETE FROM facts WHERE name = ?", (f"enrol {name}",))


def _definition(trigger: Trigger) -> str:
    """Return a digest of what decides who waits: a new threshold enrols nobody anew."""
    fields = {"name", "on", "after", "inactive_for", "cancel_on", "key", "enrol"}
    content = json.dumps(trigger.model_dump(mode="json", include=fields), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _kind(event: str) -> int:
    return EVENT_KINDS.get(event, int(Kind.OTHER))


def _keys(events: Iterable[str]) -> frozenset[int | str]:
    return frozenset(map(event_key, events))


def _is_ended(key: str, ended: frozenset[str] | None) -> bool:
    return ended is None or key in ended or key == EVERYTHING
