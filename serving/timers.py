"""Timers: what waits until a moment, written in the transaction that arms, cancels or fires it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.runs import EVERYTHING, Run, Waiting
from policy.timing import Reaction, Timing, key_of, keys_ended
from policy.triggers import Trigger
from policy.view import SentMessage
from serving.driver import Driver, driver, scalar
from serving.log import Appended
from serving.message import message_ids_of

AT_ONCE: Final = 256
"""Most timers that fire in one transaction of a live server."""
_COLUMNS: Final = "trigger, step, key, due_at, armed_at, event_seq, first_at, last_decision_id, last_at"
_INSERT: Final = f"INSERT INTO timers (user_no, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE: Final = """
ON CONFLICT (user_no, trigger, step, key) DO UPDATE SET due_at = excluded.due_at, armed_at = excluded.armed_at,
    event_seq = excluded.event_seq, first_at = excluded.first_at, last_decision_id = excluded.last_decision_id,
    last_at = excluded.last_at
"""
_GO_ON: Final = _INSERT + _REPLACE
# What nothing was put off of and no message came from is not said: the columns are NULL, in what is replaced too. What
# happened earlier, and only came later, takes the place of nothing.
_ARM: Final = f"""
INSERT INTO timers (user_no, trigger, step, key, due_at, armed_at, event_seq) VALUES (?, ?, 0, ?, ?, ?, ?)
{_REPLACE} WHERE excluded.armed_at >= timers.armed_at
"""
# Who is active again and again is looked at when the first timer is due, not at every event; what was put off is not.
_ARM_ONCE: Final = f"{_ARM} AND timers.first_at IS NOT NULL"
_WAITING: Final = "SELECT step, key FROM timers WHERE user_no = ? AND trigger = ? AND armed_at <= ?"
_END: Final = "DELETE FROM timers WHERE user_no = ? AND trigger = ? AND step = ? AND key = ?"
_END_STEPS: Final = "DELETE FROM timers WHERE user_no = ? AND trigger = ? AND step > 0 AND key = ?"
_DUE: Final = """
SELECT t.user_no, p.user_key, t.trigger, t.step, t.key, t.due_at, t.armed_at, t.event_seq, t.first_at,
    t.last_decision_id, t.last_at
FROM timers t JOIN users u USING (user_no) JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE t.due_at <= ? ORDER BY t.due_at, t.user_no, t.trigger, t.step, t.key LIMIT ?
"""
# Only as it was found: whoever was linked or active meanwhile has another one.
_TAKE: Final = f"{_END} AND due_at = ?"
_BEGIN_ANEW: Final = """
UPDATE timers SET due_at = ?, first_at = NULL WHERE user_no = ? AND trigger = ? AND step = ? AND key = ?
"""
_PUT_OFF: Final = """
SELECT trigger, step, due_at FROM timers
WHERE user_no = ? AND first_at IS NOT NULL AND NOT (trigger = ? AND key = ?) ORDER BY due_at
"""
_NEXT: Final = "SELECT min(due_at) FROM timers"
_FOLLOW: Final = f"""
INSERT INTO timers (user_no, {_COLUMNS}) SELECT ?, {_COLUMNS} FROM timers WHERE user_no = ?
{_REPLACE} WHERE excluded.due_at > timers.due_at
"""
# Two sequences of the same thing become one: nobody is to be reminded of it twice.
_ONE_SEQUENCE: Final = """
DELETE FROM timers WHERE user_no = ? AND step > 0 AND EXISTS (
    SELECT 1 FROM timers o WHERE o.user_no = timers.user_no AND o.trigger = timers.trigger AND o.key = timers.key
    AND o.step > 0 AND (o.due_at, o.step) > (timers.due_at, timers.step)
)
"""
_FORGET: Final = "DELETE FROM timers WHERE user_no = ?"


class Timer(NamedTuple):
    """One timer: whose, of which trigger and step, for what, when it is due and which event armed it; moments in µs.

    `first_at` says when it was first put off, the last two which message of the run came last; None where none did.
    """

    user_no: int
    user_key: str
    trigger: str
    step: int
    key: str
    due_at: int
    armed_at: int
    event_seq: int
    first_at: int | None = None
    last_decision_id: str | None = None
    last_at: int | None = None

    @property
    def run(self) -> Run:
        """Where its trigger stands."""
        said, at = self.last_decision_id, self.last_at
        message = SentMessage(said, at, message_ids_of(said)) if said is not None and at is not None else None
        return Run(self.step, self.key, True, self.first_at, message)


class Timers:
    """The timers of one batch; whatever is done shows at once to whatever comes later in it."""

    def __init__(self, connection: Connection, timing: Timing, *, next_due: int | None = None) -> None:
        """Prepare; `next_due` is what `look` or `next_due` of the batch before returned."""
        self._driver = driver(connection)
        self._timing = timing
        self._next_due = next_due
        self._armed: list[tuple[object, ...]] = []
        self._looks_again = False

    def heed(self, added: Appended, reaction: Reaction) -> Sequence[tuple[Trigger, int]]:
        """Arm what an event arms; return the triggers that no longer wait because of it, and at which step they did."""
        if added.merged is not None and self._timing.by_name:
            self._follow(added.merged.no, added.person.no)
        cancelled = self._cancelled(added, reaction.cancelling) if reaction.cancelling else ()
        for trigger in reaction.arming:
            self._arm(trigger, added)
        return cancelled

    def _cancelled(self, added: Appended, triggers: Sequence[Trigger]) -> list[tuple[Trigger, int]]:
        pointless = ((each, self._cancel(each, added)) for each in triggers)
        return [(trigger, step) for trigger, step in pointless if step is not None]

    def go_on(self, user_no: int, trigger: Trigger, waiting: Waiting, *, armed_at: int, event_seq: int) -> None:
        """Let a run wait for its next moment; one that waits at the same step for the same thing gives way to it."""
        run = waiting.run
        said, at = run.message[:2] if run.message is not None else (None, None)
        row = (user_no, trigger.name, run.step, run.key, waiting.due_at, armed_at, event_seq, run.first_at, said, at)
        self._written().execute(_GO_ON, row)
        self._mind(waiting.due_at)

    def end_put_off(self, user_no: int, trigger: Trigger, key: str) -> None:
        """End what was put off of a trigger's own decision."""
        self._looks_again |= self._written().execute(_END, (user_no, trigger.name, 0, key)).rowcount > 0

    def end_steps(self, user_no: int, trigger: Trigger, key: str) -> None:
        """End what waits of the later steps of a trigger."""
        self._looks_again |= self._written().execute(_END_STEPS, (user_no, trigger.name, key)).rowcount > 0

    def put_off(self, user_no: int, *, beside: tuple[str, str]) -> list[tuple[Trigger, int, int]]:
        """Return what of a person waits for a better moment: trigger, step and that moment; not of one name and key."""
        rows = self._written().execute(_PUT_OFF, (user_no, *beside)).fetchall() if self._next_due is not None else []
        found = ((self._timing.of(name, step), step, due_at) for name, step, due_at in rows)
        return [(trigger, step, due_at) for trigger, step, due_at in found if trigger is not None]

    def due(self, until: int, *, at_most: int = -1) -> list[Timer]:
        """Return the timers due at a moment in microseconds or before, the earliest first."""
        if not self.may_be_due(until):
            return []
        return [Timer(*row) for row in self._written().execute(_DUE, (until, at_most)).fetchall()]

    def take(self, timer: Timer) -> bool:
        """End a timer that was due; return whether it still waited."""
        self._looks_again = True
        row = (timer.user_no, timer.trigger, timer.step, timer.key, timer.due_at)
        return self._written().execute(_TAKE, row).rowcount == 1

    def begin_anew(self, timer: Timer, due_at: int) -> None:
        """Let a timer wait until a later moment, as if it had not been due yet."""
        self._written().execute(_BEGIN_ANEW, (due_at, timer.user_no, timer.trigger, timer.step, timer.key))
        self._looks_again = True
        self._mind(due_at)

    def may_be_due(self, moment: int) -> bool:
        """Whether it is worth to ask for timers that are due at a moment in microseconds."""
        return self._next_due is not None and self._next_due <= moment

    def first_due(self, moment: int) -> Timer | None:
        """Return the earliest timer due at a moment or before; None if there is none."""
        found = self.due(moment, at_most=1)
        if not found:
            self.look()
        return found[0] if found else None

    def look(self) -> int | None:
        """Return when the next timer is due, in microseconds; None if none waits."""
        self._next_due = scalar(self._written(), _NEXT) if self._timing.by_name else None
        self._looks_again = False
        return self._next_due

    def next_due(self, *, looks: bool = False) -> int | None:
        """Return when to ask for what is due, in microseconds, once all is written; None if none waits.

        Where timers were only armed that may be too early, since one may have taken the place of another.
        """
        if looks or self._looks_again:
            return self.look()
        self.save()
        return self._next_due

    def save(self) -> None:
        """Write what was armed since the last time, in one statement, for whoever looks at the table."""
        if self._armed:
            self._driver.executemany(_ARM, self._armed)
            self._armed.clear()

    def _written(self) -> Driver:
        self.save()
        return self._driver

    def _mind(self, due_at: int) -> None:
        if self._next_due is None or due_at < self._next_due:
            self._next_due = due_at

    def _arm(self, trigger: Trigger, added: Appended) -> None:
        event = added.event
        if added.known_at - event.occurred_at > trigger.max_event_age_us:
            return
        key = key_of(trigger, event.properties)
        if key is None:
            return
        due_at = added.known_at + trigger.waits_us
        row = (added.person.no, trigger.name, key, due_at, added.happened_at, added.seq)
        if trigger.inactive_for is not None:
            self._written().execute(_ARM_ONCE, row)
        else:
            self._armed.append(row)
        self._mind(due_at)

    def _cancel(self, trigger: Trigger, added: Appended) -> int | None:
        """End the timers that an event makes pointless; one that happened before they were armed does not.

        Return the furthest step of those that ended; None if none did.
        """
        asked = (added.person.no, trigger.name, added.event.occurred_at)
        waiting = self._written().execute(_WAITING, asked).fetchall()
        named = keys_ended(trigger, added.event.properties) if waiting else None
        ended = [each for each in waiting if named is None or each[1] in named or each[1] == EVERYTHING]
        for step, key in ended:
            self._written().execute(_END, (added.person.no, trigger.name, step, key))
            self._looks_again = True
        return max((step for step, _ in ended), default=None)

    def _follow(self, linked_no: int, user_no: int) -> None:
        """Give the timers of an id to the person it was linked to; of two for the same, the later one stays."""
        self._written().execute(_FOLLOW, (user_no, linked_no))
        self._written().execute(_FORGET, (linked_no,))
        self._written().execute(_ONE_SEQUENCE, (user_no,))
        self._looks_again = True
