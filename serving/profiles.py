"""What people are like besides what they do: the traits that `identify` calls and contexts tell, the newest of each.

A trait keeps the moment it was told of: what is older and arrives late changes nothing. Addresses, consents and the
zone are kept where they are asked for (`serving.suppressions`, `serving.consents`, `users`), and not here.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from features.declare import ELSEWHERE
from features.events import Event
from features.traits import traits_of
from serving.driver import Driver, driver
from serving.log import Appended

LONGEST_FIELD: Final = 100
LONGEST_VALUE: Final = 1000
"""Characters of JSON; of what is longer only is known that what was there before is no longer so."""
MOST_FIELDS: Final = 100
"""Of one person; further ones are not kept."""
_NOTHING: Final = "null"
_READ: Final = "SELECT field, value, at FROM profiles WHERE user_no = ?"
_WRITE: Final = """
INSERT INTO profiles (user_no, field, value, at) VALUES (?, ?, ?, ?)
ON CONFLICT (user_no, field) DO UPDATE SET value = excluded.value, at = excluded.at
"""
_FORGET: Final = "DELETE FROM profiles WHERE user_no = ?"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Told(NamedTuple):
    """The value of a field as JSON, `null` where it was taken back, and when it was told, in microseconds."""

    value: str
    at: int


Profile = dict[str, Told]


class Profiles:
    """The profiles of the people of one batch, at any moment of it: read where somebody asks, written at its end."""

    def __init__(self, connection: Connection) -> None:
        self._driver = driver(connection)
        self._stored: dict[int, Profile] = {}
        self._heard: dict[int, list[Appended]] = defaultdict(list)

    def hear(self, added: Appended) -> None:
        """Mind an event that `tells` something; in the order of the log."""
        self._heard[added.person.no].append(added)

    def value(self, user_no: int, field: str, *, at: int) -> object:
        """Return a field as of a moment (µs) of the batch; `a.b` is `b` within `a`. None where it is not known."""
        profile = self.of(user_no, at=at)
        if field in profile:
            return _decode(profile[field].value)
        head, *path = field.split(".")
        found: Any = _decode(profile[head].value) if path and head in profile else None
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def of(self, user_no: int, *, at: int | None = None) -> Profile:
        """Return the profile that somebody had at a moment of the batch, in microseconds; at its end if None."""
        heard = self._heard.get(user_no, ())
        profile = self._read(user_no)
        if not heard:
            return profile
        profile = dict(profile)
        for added in heard:
            if at is None or added.known_at <= at:
                if added.merged is not None:
                    _join(profile, self.of(added.merged.no, at=added.known_at))
                _join(profile, told_by(added.event, at=added.happened_at))
        return profile

    def save(self) -> None:
        """Write what was heard, after the people of the batch."""
        if not self._heard:
            return
        for user_no in self._heard:
            before = self._read(user_no)
            told = [(user_no, field, *each) for field, each in self.of(user_no).items() if before.get(field) != each]
            self._driver.executemany(_WRITE, told)
        merged = [added.merged.no for heard in self._heard.values() for added in heard if added.merged is not None]
        self._driver.executemany(_FORGET, [(user_no,) for user_no in merged])

    def _read(self, user_no: int) -> Profile:
        if user_no not in self._stored:
            self._stored[user_no] = read(self._driver, user_no)
        return self._stored[user_no]


def read(driver: Driver, user_no: int) -> Profile:
    """Return what is stored of somebody."""
    return {field: Told(value, at) for field, value, at in driver.execute(_READ, (user_no,)).fetchall()}


def known(profile: Mapping[str, Told]) -> dict[str, Any]:
    """Return the fields that have a value, by name."""
    return {field: json.loads(told.value) for field, told in sorted(profile.items()) if told.value != _NOTHING}


def tells(added: Appended) -> bool:
    """Whether an event may change a profile; asked of each one."""
    payload = added.event.payload
    if added.merged is not None or "traits" in payload:
        return True
    context = payload.get("context")
    return context is not None and "traits" in context


def told_by(event: Event, *, at: int) -> Profile:
    """Return what an event tells of its person, as of a moment in microseconds, as far as profiles hold it."""
    return {
        field: Told(_text(value), at)
        for field, value in traits_of(event.kind, event.payload).items()
        if len(field) <= LONGEST_FIELD and field not in ELSEWHERE
    }


def learn(connection: Connection, events: Iterable[Appended]) -> None:
    """Write what events tell, where nobody decides about them."""
    profiles = Profiles(connection)
    for added in events:
        if tells(added):
            profiles.hear(added)
    profiles.save()


def _join(profile: Profile, told: Mapping[str, Told]) -> None:
    """Add what is as new or newer, as far as there is room."""
    for field, each in told.items():
        before = profile.get(field)
        if before is None and len(profile) >= MOST_FIELDS:
            continue
        if before is None or each.at >= before.at:
            profile[field] = each


def _text(value: object) -> str:
    text = _encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else _NOTHING
