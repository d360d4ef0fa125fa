"""Where consent to tracking is required, nothing is written down of anybody who did not give it.

A refusal leaves a keyed hash of each id that the refusing event named, and when; see docs/privacy.md.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Connection

from features.events import Event
from features.kinds import Kind
from policy.guards import EVERY_CHANNEL, Given
from serving import consents
from serving.consents import STATEMENT
from serving.driver import Driver, driver
from serving.lessons import Lesson, lesson_of, teaches
from serving.log import Appended
from serving.people import People, Person, ids_of, keys_of
from serving.tombstones import hashes, make_salt, moments

_FIND: Final = "SELECT key_hash, at FROM refusals WHERE key_hash IN (SELECT value FROM json_each(?))"
_REFUSE: Final = """
INSERT INTO refusals (key_hash, at) VALUES (?, ?)
ON CONFLICT (key_hash) DO UPDATE SET at = max(refusals.at, excluded.at)
"""
_TAKE_BACK: Final = "DELETE FROM refusals WHERE key_hash = ?"
_EXCLUDE: Final = "UPDATE users SET excluded = ? WHERE user_no = ? AND excluded IS NULL"
_END_TIMERS: Final = "DELETE FROM timers WHERE user_no = ?"
_LINKS: Final = frozenset({Kind.IDENTIFIED, Kind.LINKED})

UNTRACKED: Final = "untracked"
"""Why somebody is excluded who withdrew their consent to tracking."""


class Gate:
    """Says of each event of a batch, in order, whether its people agreed to be tracked."""

    def __init__(self, connection: Connection, people: People, purpose: str) -> None:
        """`purpose` is the one whose consent lets events in, on all channels."""
        self._connection = connection
        self._driver = driver(connection)
        self._people = people
        self._word = (purpose.casefold(), EVERY_CHANNEL)
        self._written: dict[str, Given | None] = {}
        self._said: dict[str, Given | None] = {}
        self._refused: dict[str, int] = {}
        self._taken_back: set[str] = set()

    def prepare(self, events: Iterable[Event], keys: Iterable[str] = ()) -> None:
        """Look up what everybody said whom the events name, and who else has one of these keys."""
        wanted = dict.fromkeys([*keys, *(key for each in events for key in _named(each))])
        self._people.find(wanted)
        numbers = {each.no: each.key for each in self._people.known()}
        for number, said in consents.read(self._connection, sorted(numbers)).items():
            self._written[numbers[number]] = said.get(self._word)
        self._said.update(self._written)
        for key, at in refused_at(self._driver, wanted).items():
            self._said[self._name(key)] = Given(granted=False, at=at, source=STATEMENT)

    def is_open(self, key: str) -> bool:
        """Whether the person behind a key that was prepared agreed to be tracked."""
        said = self._said.get(self._name(key))
        return said is not None and said.granted

    def admits(self, event: Event, *, at: int) -> bool:
        """Whether an event of that moment (µs) may be written down; hears what it says about that."""
        named = _named(event)
        word = self._stricter(named)
        known = {} if word is None else {self._word: word}
        told = lesson_of(event) if teaches(event) else Lesson()
        about = {key: granted for key, granted in told.consents.items() if key == self._word}
        consents.hear(known, Lesson(consents=about, is_statement=told.is_statement), at=at)
        word = known.get(self._word)
        if word is None:
            return False
        if not word.granted:
            self._refuse(named, word)
        elif about:
            self._take_back(named)
        for key in _written(event) if word.granted else ():
            self._admit(key, word)
        return word.granted

    def _admit(self, key: str, word: Given) -> None:
        self._said[self._name(key)] = word
        person = self._people.get(key)
        if person is not None and person.excluded == UNTRACKED:
            # Written down with the event that is let in.
            person.excluded = None

    def left(self, event: Event, *, seq: int, known_at: int) -> list[Appended]:
        """Return what counts of an event that was not admitted: what it refuses, for the people that are known.

        Nothing waits any longer because of what somebody did who refuses now, and triggers and models pass them by.
        `seq` is the present position of the log, `known_at` the present moment in microseconds.
        """
        own = self._people.get(event.key)
        everybody = {each.no: each for key in _named(event) if (each := self._people.get(key)) is not None}
        found = []
        for person in everybody.values():
            noes = _refusals(event) if person is own else _nothing()
            if self._is_withdrawal(person):
                self._driver.execute(_END_TIMERS, (person.no,))
                self._driver.execute(_EXCLUDE, (UNTRACKED, person.no))
                person.excluded, person.stored = person.excluded or UNTRACKED, None
                noes["traits"]["consents"][self._word[0]] = False
                self._written[person.key] = self._said[person.key]
            refusal = replace(event, payload=noes, kind=event.kind if person is own else Kind.IDENTIFIED)
            if _says_no(refusal):
                found.append(Appended(person, person.unit, refusal, seq, known_at, None))
        return found

    def _is_withdrawal(self, person: Person) -> bool:
        """Whether somebody refuses of whom that is not written down yet."""
        said, written = self._said.get(person.key), self._written.get(person.key)
        return said is not None and not said.granted and (written is None or written.granted)

    def save(self) -> None:
        """Write down who refused, and who no longer does."""
        if self._refused:
            make_salt(self._driver)
            rows = [(key_hash, self._refused[key]) for key_hash, key in hashes(self._driver, self._refused).items()]
            self._driver.executemany(_REFUSE, rows)
        if self._taken_back:
            self._driver.executemany(_TAKE_BACK, [(each,) for each in hashes(self._driver, self._taken_back)])

    def _name(self, key: str) -> str:
        """Return the key under which somebody's word is kept here: that of the person where the log knows them."""
        person: Person | None = self._people.get(key)
        return key if person is None else person.key

    def _stricter(self, keys: Sequence[str]) -> Given | None:
        """Return the word that counts of all ids that an event names: a refusal, the latest, before any consent."""
        said = [found for key in keys if (found := self._said.get(self._name(key))) is not None]
        return min(said, key=lambda each: (each.granted, -each.at), default=None)

    def _refuse(self, keys: Sequence[str], word: Given) -> None:
        """Note a refusal once: what comes after it leaves no trace, not even of when."""
        for key in keys:
            before = self._said.get(self._name(key))
            if before is None or before.granted:
                self._said[self._name(key)] = word
                self._refused[key] = word.at
                self._taken_back.discard(key)

    def _take_back(self, keys: Sequence[str]) -> None:
        for key in keys:
            before = self._said.get(self._name(key))
            if before is not None and not before.granted:
                self._said[self._name(key)] = None
                ids = {key, *ids_of(self._driver, key).values()}
                self._taken_back |= ids
                for each in ids:
                    self._refused.pop(each, None)


def refused_at(driver: Driver, keys: Iterable[str]) -> dict[str, int]:
    """Return when each of these keys refused to be tracked, in microseconds; nothing of those that did not."""
    return moments(driver, _FIND, keys)


def _named(event: Event) -> list[str]:
    """Return every key that an event names, whether it links them or not."""
    return keys_of(event.user_id, event.anonymous_id, event.previous_id)


def _written(event: Event) -> list[str]:
    """Return the keys that the log gets from an event."""
    return _named(event) if event.kind in _LINKS else [event.key]


def _refusals(event: Event) -> dict[str, Any]:
    """Return what of a payload is a refusal."""
    payload = event.payload
    consent = (payload.get("context") or {}).get("consent")
    remembered = _noes((consent if isinstance(consent, dict) else {}).get("categoryPreferences"))
    return {
        "properties": payload.get("properties", {}),
        "context": {"consent": {"categoryPreferences": remembered}},
        "traits": {"consents": _noes((payload.get("traits") or {}).get("consents"))},
    }


def _nothing() -> dict[str, Any]:
    return {"traits": {"consents": {}}}


def _says_no(event: Event) -> bool:
    lesson = lesson_of(event)
    return bool(lesson.consents) or lesson.opt_out is not None


def _noes(told: object) -> dict[str, bool]:
    return {name: False for name, granted in told.items() if granted is False} if isinstance(told, dict) else {}
