"""The log of events, in order of arrival: the truth from which everything else can be rebuilt."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct
from sqlalchemy import Connection

from features.activity import VISITS
from features.catalog import CATALOGUE
from features.events import ANONYMOUS_PREFIX, Event, ids_behind
from features.fold import UNLINKED, LogArrays
from features.kept import Kept, joined, rows_of
from features.kinds import Kind
from features.layout import Catalogue
from features.suspicion import by_machine
from features.traits import ABOUT_TRAITS, records_of
from serving.driver import Insert, Row, driver, listed
from serving.items import Fate
from serving.order_ids import OrderIds
from serving.people import People, Person, keys_of
from serving.tombstones import SALT, erased_at

_SEEN = "SELECT json_group_array(message_id) FROM events WHERE message_id IN (SELECT value FROM json_each(?))"
_EVENTS = Insert(
    "events",
    (
        "seq",
        "user_no",
        "message_id",
        "known_at",
        "occurred_at",
        "received_at",
        "kind",
        "name",
        "origin",
        "record",
        "payload",
        "prev_seq",
        "linked_no",
    ),
    seldom=1,
)
_COMPONENT_ROWS = """
WITH RECURSIVE chain (seq, root) AS (
    SELECT u.last_seq, coalesce(u.merged_into, u.user_no) FROM users u
    WHERE u.user_no IN (SELECT value FROM json_each(?1)) OR u.merged_into IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT e.prev_seq, chain.root FROM chain JOIN events e ON e.seq = chain.seq
)
SELECT chain.root, e.user_no, e.known_at, e.seq, e.linked_no, e.record, {told}
FROM chain JOIN events e ON e.seq = chain.seq ORDER BY chain.root, e.seq
"""
_TOLD = f"CASE WHEN instr(e.payload, '{ABOUT_TRAITS}') THEN e.payload END"
_KEPT = """
SELECT coalesce(u.merged_into, u.user_no), k.user_no, k.owner_no, k.seq, k.known_at, k.state
FROM users u JOIN kept_states k USING (user_no)
WHERE u.user_no IN (SELECT value FROM json_each(?1)) OR u.merged_into IN (SELECT value FROM json_each(?1))
"""
LOG_BEGINS_AT = "SELECT value FROM facts WHERE name = 'log_begins_at'"
"""The moment (µs) before which the log has forgotten events, as text; nothing where it has not."""
_PREPARED = f"SELECT ({_SEEN}), max(seq), ({LOG_BEGINS_AT}), ({SALT}) FROM events"
"""Of what a batch has to know of the log, all in one: each statement costs a batch of one event a fiftieth."""
_NONE = "[]"
_EVENT = """
SELECT u.user_key, e.kind, e.name, e.message_id, e.occurred_at, e.known_at, e.record, e.payload, u.timezone, u.excluded
FROM events e JOIN users u USING (user_no) WHERE e.seq = ?
"""
_MERGES = frozenset({Kind.IDENTIFIED, Kind.LINKED})


class Appended(Struct, eq=False):
    """An event that the log now holds.

    Attributes:
        person: Whose it is.
        unit: What arms were drawn for when it came; later links can change the person's.
        merged: Who it revealed to be the same person.
        by_machine: Whether a machine did it in the person's place: nothing reacts to it.
        first: Whether nothing was known of the person before.
    """

    person: Person
    unit: str
    event: Event
    seq: int
    known_at: int
    merged: Person | None
    by_machine: bool = False
    first: bool = False

    @property
    def happened_at(self) -> int:
        """When it happened, in microseconds, as the log has it: at the latest when it became known."""
        return min(self.event.occurred_at, self.known_at)


class Appender:
    """Gives events their place in the log: whose they are, at which position, merging whom. Writes on `save`."""

    def __init__(self, connection: Connection, people: People, origin: str) -> None:
        self._driver = driver(connection)
        self._people = people
        self._origin = origin
        self._rows: list[Row] = []
        self._seen: set[str] = set()
        self._erased: dict[str, int] = {}
        self._orders = OrderIds(self._driver)
        self._seq = 0
        self._begins_at = 0

    @property
    def position(self) -> int:
        """Position of the last event, saved or not."""
        return self._seq

    @property
    def has_unsaved(self) -> bool:
        """Whether there are events that `save` has yet to write."""
        return bool(self._rows)

    def prepare(self, events: Sequence[Event]) -> None:
        """Look up the people of these events, which of their message ids are known, and where the log ends."""
        keys = [key for each in events for key in _keys(each)]
        self._people.find(keys)
        asked = listed([each.message_id for each in events])
        seen, seq, begins_at, salt = self._driver.execute(_PREPARED, (asked,)).fetchall()[0]
        if seen != _NONE:
            self._seen.update(json.loads(seen))
        self._seq, self._begins_at = seq or 0, int(begins_at or 0)
        if salt is not None:
            self._erased.update(erased_at(self._driver, keys))
        self._orders.prepare(events)

    def named(self, event: Event) -> list[Person | None]:
        """Return the people that an event names, as far as the log knows them."""
        return [self._people.get(key) for key in _keys(event)]

    def barred(self, event: Event) -> Fate | None:
        """Return why an event cannot be kept; None if it can."""
        if event.message_id in self._seen:
            return Fate.DUPLICATE
        erased = self._erased
        if erased and any(event.occurred_at <= erased.get(key, -1) for key in _keys(event)):
            # Somebody whom the event names was erased after it happened.
            return Fate.ERASED
        # What the log forgot it would not know to be the same.
        return Fate.OUTDATED if event.occurred_at < self._begins_at else None

    def append(self, event: Event, *, earliest: int, received_at: int) -> Appended:
        """Add an event that is not `barred`; known at `earliest` or after all of its people.

        An order that the log holds of the person is added as one that was updated.
        """
        self._seen.add(event.message_id)
        self._seq += 1
        person = self._people.obtain(event.key)
        merged = self._merged(event, person) if event.kind in _MERGES else None
        known_at = max(earliest, person.last_known_at + 1, merged.last_known_at + 1 if merged else 0)
        if merged is not None:
            self._people.merge(person, merged)
            self._orders.merge(person.no, merged.no)
        event = self._orders.once(event, person.no)
        previous = person.last_seq or None
        person.last_seq, person.last_known_at, person.changed = self._seq, known_at, True
        machine = by_machine(event.kind, event.properties)
        if VISITS[event.kind] and not machine:
            person.last_seen_at = known_at
        person.timezone = event.timezone or person.timezone
        person.excluded = event.excluded or person.excluded
        self._rows.append(
            (
                self._seq,
                person.no,
                event.message_id,
                known_at,
                min(event.occurred_at, known_at),
                received_at,
                int(event.kind),
                event.name,
                self._origin,
                bytearray(event.record),
                event.payload_json,
                previous,
                merged.no if merged is not None else None,
            )
        )
        return Appended(person, person.unit, event, self._seq, known_at, merged, machine, first=previous is None)

    def _merged(self, event: Event, person: Person) -> Person | None:
        """Return whom this event reveals to be the same person; an id that has an owner already stays with them."""
        for key in keys_of(None, event.anonymous_id if event.user_id else None, event.previous_id):
            other = self._people.get(key)
            if other is person:
                continue
            if other is None and key.startswith(ANONYMOUS_PREFIX) and event.kind is Kind.IDENTIFIED:
                return self._people.obtain(key)
            if other is not None and other.key == key:
                return other
        return None

    def save(self) -> None:
        """Write the events since the last time, and their people."""
        self._people.save()
        if self._rows:
            _EVENTS.write(self._driver, self._rows)
            self._rows = []


def last_moment(connection: Connection) -> int:
    """Return the last moment, in microseconds, that the log or the ledger holds; 0 if they are empty."""
    known = connection.exec_driver_sql("SELECT max(last_known_at) FROM users").scalar() or 0
    newest = connection.exec_driver_sql(
        "SELECT decision_id FROM evaluations ORDER BY decision_id DESC LIMIT 1"
    ).scalar()
    return max(known, moment_of(newest) if newest else 0)


def component_rows(
    connection: Connection, roots: Iterable[int], *, catalogue: Catalogue = CATALOGUE
) -> tuple[LogArrays, dict[int, int]]:
    """Return the log of these people under all their ids, and each person's index in it by number."""
    asked = (listed(list(roots)),)
    query = _COMPONENT_ROWS.format(told=_TOLD if catalogue.traits else "NULL")
    found = connection.exec_driver_sql(query, asked).fetchall()
    kept = connection.exec_driver_sql(_KEPT, asked).fetchall()
    log = LogArrays(
        user=np.array([row[1] for row in found], dtype=np.int64),
        known_at=np.array([row[2] for row in found], dtype=np.int64),
        seq=np.array([row[3] for row in found], dtype=np.int64),
        records=records_of([row[5] for row in found], [row[6] for row in found], catalogue.traits),
        linked=np.array([row[4] or UNLINKED for row in found], dtype=np.int64),
    )
    if kept:
        log = joined(log, rows_of([Kept(*row[1:]) for row in kept], catalogue=catalogue))
        root = np.array([row[0] for row in (*found, *kept)], dtype=np.int64)
        log = log.take(np.lexsort((log.which >= 0, log.seq, root)))
    numbers = np.unique(np.concatenate([log.user, log.linked[log.linked != UNLINKED]]))
    linked = np.where(log.linked == UNLINKED, UNLINKED, np.searchsorted(numbers, log.linked))
    indexed = replace(log, user=np.searchsorted(numbers, log.user), linked=linked)
    return indexed, {int(no): index for index, no in enumerate(numbers)}


def event_at(connection: Connection, seq: int) -> tuple[Event, int] | None:
    """Return the event at a position of the log as it came, and when it became known; None where there is none."""
    row = driver(connection).execute(_EVENT, (seq,)).fetchone()
    if row is None:
        return None
    key, kind, name, message_id, occurred_at, known_at, record, payload, timezone, excluded = row
    user_id, anonymous_id = ids_behind(key)
    event = Event(
        kind=Kind(kind),
        name=name,
        message_id=message_id,
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=None,
        occurred_at=occurred_at,
        record=record,
        timezone=timezone,
        excluded=excluded,
        payload_json=payload,
        payload=json.loads(payload),
    )
    return event, known_at


def decision_id(tick: int, place: int = 0) -> str:
    """Return the id of what was evaluated at a tick, in microseconds; ids sort like their ticks."""
    return f"{tick:013x}{place:03x}"


def moment_of(decision: str) -> int:
    """Return the tick of a decision id."""
    return int(decision[:13], 16)


def _keys(event: Event) -> list[str]:
    if event.kind in _MERGES:
        return keys_of(event.user_id, event.anonymous_id, event.previous_id)
    return [event.key]
