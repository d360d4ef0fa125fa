"""Who the ids belong to: the users of one batch, found in one query and written back in one statement."""

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import Connection

from features.events import ANONYMOUS_PREFIX
from serving.driver import Driver, driver, listed, scalar

_FIND = """
SELECT u.user_key, p.user_no, p.user_key, p.unit, p.last_seq, p.last_known_at, p.last_seen_at, p.timezone, p.excluded
FROM users u JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE u.user_key IN (SELECT value FROM json_each(?))
"""
_SAVE = """
INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at, last_seen_at, timezone, excluded, merged_into)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT (user_no) DO UPDATE SET unit = excluded.unit, last_seq = excluded.last_seq,
    last_known_at = excluded.last_known_at, last_seen_at = excluded.last_seen_at,
    timezone = excluded.timezone, excluded = excluded.excluded
"""
_GO_ON = "UPDATE users SET last_seq = ?, last_known_at = ?, last_seen_at = ? WHERE user_no = ?"
"""What most events change of somebody known."""
_MERGE = "UPDATE users SET merged_into = ? WHERE user_no = ? OR merged_into = ?"
_IDS = """
WITH main AS (SELECT coalesce(merged_into, user_no) AS user_no FROM users WHERE user_key = ?)
SELECT user_no, user_key FROM users WHERE user_no IN (SELECT user_no FROM main)
UNION
SELECT user_no, user_key FROM users WHERE merged_into IN (SELECT user_no FROM main)
"""
_EARLIEST_LINKED = "SELECT min(user_no) FROM users WHERE merged_into = ?"
_INHERIT_COOLDOWNS = """
INSERT INTO cooldowns (user_no, key, trigger, fired_at)
SELECT ?, key, trigger, fired_at FROM cooldowns WHERE user_no = ?
ON CONFLICT (user_no, key, trigger) DO UPDATE SET fired_at = max(cooldowns.fired_at, excluded.fired_at)
"""


class Person(Struct, eq=False):
    """One person as the log knows them, under their present id.

    Attributes:
        no: Number in the log.
        key: Their key there, and in the online store.
        unit: The key of the earliest of their ids: what arms are drawn for.
        last_seq: Position of their last event; 0 before the first.
        last_known_at: When that became known, in microseconds.
        last_seen_at: When they were last on a visit, in microseconds: `features.activity.VISITS`; 0 if never.
        timezone: IANA name, or None.
        excluded: Why models and triggers pass them by, or None.
        slot: Row of their state in the batch's matrix; -1 before it is loaded.
        changed: Whether this batch added something to them.
        is_stale: Whether the online store holds no state of theirs, or not the one that the log gives.
        stored: What the log holds of `unit`, `timezone` and `excluded`; None where that is not known.
    """

    no: int
    key: str
    unit: str
    last_seq: int = 0
    last_known_at: int = 0
    last_seen_at: int = 0
    timezone: str | None = None
    excluded: str | None = None
    slot: int = -1
    changed: bool = False
    is_stale: bool = False
    stored: tuple[str, str | None, str | None] | None = None

    @property
    def told(self) -> tuple[str, str | None, str | None]:
        """What the log is to hold of them that hardly ever changes."""
        return self.unit, self.timezone, self.excluded


class People:
    """The users that a batch speaks of."""

    def __init__(self, connection: Connection) -> None:
        self._driver = driver(connection)
        self._by_key: dict[str, Person | None] = {}
        self._known: dict[int, Person] = {}
        self._merged: list[tuple[Person, Person]] = []
        self._earliest: dict[int, int] = {}
        self._next_no: int | None = None

    def find(self, keys: Iterable[str]) -> None:
        """Look up the keys not asked for before; several keys of one person give the same object."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._by_key]
        if not wanted:
            return
        known = self._known
        self._by_key.update(dict.fromkeys(wanted))
        for key, no, *rest in self._driver.execute(_FIND, (listed(wanted),)).fetchall():
            person = known.get(no)
            if person is None:
                person = known[no] = Person(no, *rest)
                person.stored = person.told
            self._by_key[key] = person

    def get(self, key: str) -> Person | None:
        """Return the person behind a key that `find` was asked for; None if the log does not know it."""
        return self._by_key[key]

    def known(self) -> list[Person]:
        """Return all persons found or made so far, each once."""
        return list(self._known.values())

    def obtain(self, key: str) -> Person:
        """Return the person behind a key, who is made if the log does not know them."""
        return self._by_key[key] or self._make(key)

    def _make(self, key: str) -> Person:
        if self._next_no is None:
            self._next_no = (scalar(self._driver, "SELECT max(user_no) FROM users") or 0) + 1
        person = Person(self._next_no, key, key)
        self._next_no += 1
        self._by_key[key] = self._known[person.no] = person
        return person

    def merge(self, person: Person, other: Person) -> None:
        """Make `other` one more id of `person`; the unit of whichever of all their ids came first stays."""
        own, others = self._earliest_no(person), self._earliest_no(other)
        if others < own:
            person.unit = other.unit
        self._earliest[person.no] = min(own, others)
        person.last_seen_at = max(person.last_seen_at, other.last_seen_at)
        person.timezone = person.timezone or other.timezone
        person.excluded = person.excluded or other.excluded
        for key, each in self._by_key.items():
            if each is other:
                self._by_key[key] = person
        del self._known[other.no]
        self._merged.append((person, other))
        person.changed = other.changed = True

    def _earliest_no(self, person: Person) -> int:
        """Return the number of the earliest of a person's ids."""
        if person.no not in self._earliest:
            linked = scalar(self._driver, _EARLIEST_LINKED, (person.no,))
            self._earliest[person.no] = min(person.no, linked or person.no)
        return self._earliest[person.no]

    def save(self) -> None:
        """Write what was changed; may be called again after more was."""
        absorbed = [other for _, other in self._merged]
        new: list[Person] = []
        known: list[Person] = []
        for each in (*self.known(), *absorbed):
            if each.changed:
                (known if each.stored == each.told else new).append(each)
        if new:
            self._driver.executemany(
                _SAVE,
                [
                    (p.no, p.key, p.unit, p.last_seq, p.last_known_at, p.last_seen_at, p.timezone, p.excluded)
                    for p in new
                ],
            )
        if known:
            rows = [(p.last_seq, p.last_known_at, p.last_seen_at, p.no) for p in known]
            self._driver.executemany(_GO_ON, rows)
        for each in new:
            each.stored = each.told
        for person, other in self._merged:
            self._driver.execute(_MERGE, (person.no, other.no, other.no))
            self._driver.execute(_INHERIT_COOLDOWNS, (person.no, other.no))
        self._merged.clear()


def keys_of(user_id: str | None, anonymous_id: str | None, previous_id: str | None) -> list[str]:
    """Return every key under which the ids of an event may be known, the event's own first.

    Of the others an event links one. What an alias is about goes before the cookie that its sender happens to add.
    """
    keys = [user_id] if user_id else []
    keys += [ANONYMOUS_PREFIX + previous_id, previous_id] if previous_id else []
    keys += [ANONYMOUS_PREFIX + anonymous_id] if anonymous_id else []
    return keys


def ids_of(driver: Driver, key: str) -> dict[int, str]:
    """Return number -> key of every id of the person behind a key; nothing of somebody the log does not know."""
    return dict(driver.execute(_IDS, (key,)).fetchall())
