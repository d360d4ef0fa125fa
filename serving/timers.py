"""Timers: what waits until a moment, written in the transaction that arms, cancels or fires it."""

from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.timing import EVERYTHING, Timing, key_of, keys_ended
from policy.triggers import Trigger
from serving.driver import driver, scalar
from serving.log import Appended

AT_ONCE: Final = 256
"""Most timers that fire in one transaction of a live server."""
_ARM: Final = """
INSERT INTO timers (user_no, trigger, key, due_at, armed_at, event_seq) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (user_no, trigger, key) DO UPDATE
SET due_at = excluded.due_at, armed_at = excluded.armed_at, event_seq = excluded.event_seq
"""
# Who is active again and again is looked at when the first timer is due, not at every event.
_ARM_ONCE: Final = """
INSERT INTO timers (user_no, trigger, key, due_at, armed_at, event_seq) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (user_no, trigger, key) DO NOTHING
"""
_WAITING: Final = "SELECT key FROM timers WHERE user_no = ? AND trigger = ? AND armed_at <= ?"
_END: Final = "DELETE FROM timers WHERE user_no = ? AND trigger = ? AND key = ?"
_DUE: Final = """
SELECT t.user_no, p.user_key, t.trigger, t.key, t.due_at, t.armed_at, t.event_seq
FROM timers t JOIN users u USING (user_no) JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE t.due_at <= ? ORDER BY t.due_at, t.user_no, t.trigger, t.key LIMIT ?
"""
# Only as it was found: whoever was linked or active meanwhile has another one.
_TAKE: Final = "DELETE FROM timers WHERE user_no = ? AND trigger = ? AND key = ? AND due_at = ?"
_PUT_OFF: Final = "UPDATE timers SET due_at = ? WHERE user_no = ? AND trigger = ? AND key = ?"
_NEXT: Final = "SELECT min(due_at) FROM timers"
_FOLLOW: Final = """
INSERT INTO timers (user_no, trigger, key, due_at, armed_at, event_seq)
SELECT ?, trigger, key, due_at, armed_at, event_seq FROM timers WHERE user_no = ?
ON CONFLICT (user_no, trigger, key) DO UPDATE
SET due_at = excluded.due_at, armed_at = excluded.armed_at, event_seq = excluded.event_seq
WHERE excluded.due_at > timers.due_at
"""
_FORGET: Final = "DELETE FROM timers WHERE user_no = ?"


class Timer(NamedTuple):
    """One timer: whose, of which trigger, for what, when it is due and which event armed it; moments in µs."""

    user_no: int
    user_key: str
    trigger: str
    key: str
    due_at: int
    armed_at: int
    event_seq: int


class Timers:
    """The timers of one batch; whatever is done shows at once to whatever comes later in it."""

    def __init__(self, connection: Connection, timing: Timing, *, next_due: int | None = None) -> None:
        """Prepare; `next_due` is what `look` of the batch before returned."""
        self._driver = driver(connection)
        self._timing = timing
        self._next_due = next_due
        self.touched = False

    def heed(self, added: Appended) -> list[Trigger]:
        """Arm what an event arms; return the triggers that no longer wait because of it."""
        kind, name = added.event.kind, added.event.name
        if added.merged is not None and self._timing.by_name:
            self._follow(added.merged.no, added.person.no)
        cancelled = [each for each in self._timing.cancelled_by(kind, name) if self._cancel(each, added)]
        for trigger in self._timing.armed_by(kind, name):
            self._arm(trigger, added)
        return cancelled

    def due(self, until: int, *, at_most: int = -1) -> list[Timer]:
        """Return the timers due at a moment in microseconds or before, the earliest first."""
        if not self.may_be_due(until):
            return []
        return [Timer(*row) for row in self._driver.execute(_DUE, (until, at_most)).fetchall()]

    def take(self, timer: Timer) -> bool:
        """End a timer that was due; return whether it still waited."""
        self.touched = True
        return self._driver.execute(_TAKE, (timer.user_no, timer.trigger, timer.key, timer.due_at)).rowcount == 1

    def put_off(self, timer: Timer, due_at: int) -> None:
        """Let a timer wait until a later moment."""
        self._driver.execute(_PUT_OFF, (due_at, timer.user_no, timer.trigger, timer.key))
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
        self._next_due = scalar(self._driver, _NEXT) if self._timing.by_name else None
        return self._next_due

    def _mind(self, due_at: int) -> None:
        self.touched = True
        if self._next_due is None or due_at < self._next_due:
            self._next_due = due_at

    def _arm(self, trigger: Trigger, added: Appended) -> None:
        event = added.event
        if added.known_at - event.occurred_at > trigger.max_event_age_us:
            return
        key = key_of(trigger, event.payload.get("properties", {}))
        if key is None:
            return
        due_at = added.known_at + trigger.waits_us
        row = (added.person.no, trigger.name, key, due_at, event.occurred_at, added.seq)
        self._driver.execute(_ARM_ONCE if trigger.inactive_for is not None else _ARM, row)
        self._mind(due_at)

    def _cancel(self, trigger: Trigger, added: Appended) -> bool:
        """End the timers that an event makes pointless; one that happened before they were armed does not."""
        asked = (added.person.no, trigger.name, added.event.occurred_at)
        waiting = [key for (key,) in self._driver.execute(_WAITING, asked).fetchall()]
        ended = keys_ended(trigger, added.event.payload.get("properties", {})) if waiting else None
        for key in waiting:
            if ended is None or key in ended or key == EVERYTHING:
                self._driver.execute(_END, (added.person.no, trigger.name, key))
                self.touched = True
        return bool(waiting) and (ended is None or not ended.isdisjoint(waiting))

    def _follow(self, linked_no: int, user_no: int) -> None:
        """Give the timers of an id to the person it was linked to; of two for the same, the later one stays."""
        self._driver.execute(_FOLLOW, (user_no, linked_no))
        self._driver.execute(_FORGET, (linked_no,))
        self.touched = True
