"""When each trigger last fired for each user: read before deciding, written with the decision."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from policy.triggers import cooling
from serving.driver import driver, listed, scalar

_READ: Final = """
SELECT user_no, trigger, key, fired_at FROM cooldowns WHERE user_no IN (SELECT value FROM json_each(?))
"""
_LAST: Final = "SELECT fired_at FROM cooldowns WHERE user_no = ? AND trigger = ? AND key = ?"
_WRITE: Final = """
INSERT INTO cooldowns (user_no, trigger, key, fired_at) VALUES (?, ?, ?, ?)
ON CONFLICT (user_no, key, trigger) DO UPDATE SET fired_at = excluded.fired_at
WHERE excluded.fired_at > cooldowns.fired_at
"""


def last_fired(connection: Connection, user_nos: Collection[int]) -> Mapping[int, dict[str, int]]:
    """Return for each user `Trigger.cools` -> moment of the last firing in microseconds."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for user_no, trigger, key, fired_at in driver(connection).execute(_READ, (listed(sorted(user_nos)),)).fetchall():
        found[user_no][cooling(trigger, key)] = fired_at
    return found


def remember(connection: Connection, fired: Sequence[tuple[int, str, int]]) -> None:
    """Write firings, sent or withheld: (user_no, `Trigger.cools`, microseconds); the latest one stays."""
    if fired:
        rows = [(user_no, *_parts(name), at) for user_no, name, at in fired]
        driver(connection).executemany(_WRITE, rows)


class Cooldowns:
    """The cool-downs of the people of one round: each is looked up when a decision depends on it, and few ever do."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._linked: Collection[int] = ()
        self._known: dict[tuple[int, str], int] = {}
        self._fired: list[tuple[int, str, int]] = []

    def prepare(self, linked: Collection[int]) -> None:
        """Read all cool-downs of people whom links are about to make one: in the table they will be at once."""
        self._linked = linked
        for user_no, found in last_fired(self._connection, linked).items() if linked else ():
            self._known.update({(user_no, name): at for name, at in found.items()})

    def of(self, user_no: int) -> "LastFired":
        """Return what tells of `Trigger.cools` when it last fired, that of this round included."""
        return LastFired(self, user_no)

    def last(self, user_no: int, name: str) -> int | None:
        """Return when that fired last for somebody, in microseconds; None if never."""
        found = self._known.get((user_no, name))
        if found is None and user_no not in self._linked:
            found = scalar(driver(self._connection), _LAST, (user_no, *_parts(name)))
        return found

    def fire(self, user_no: int, name: str, at: int) -> None:
        """Let a trigger cool down from a moment in microseconds on."""
        self._known[user_no, name] = at
        self._fired.append((user_no, name, at))

    def join(self, user_no: int, linked_no: int) -> None:
        """Give somebody the cool-downs of an id that was linked to them."""
        theirs = [(name, at) for (of, name), at in self._known.items() if of == linked_no]
        for name, at in theirs:
            self.fire(user_no, name, max(at, self._known.get((user_no, name), at)))

    def save(self) -> None:
        """Write the firings."""
        remember(self._connection, self._fired)


class LastFired:
    """The cool-downs of one user."""

    __slots__ = ("_cooldowns", "_user_no")

    def __init__(self, cooldowns: Cooldowns, user_no: int) -> None:
        self._cooldowns = cooldowns
        self._user_no = user_no

    def get(self, name: str, /) -> int | None:
        """Return when what `Trigger.cools` names fired last, in microseconds; None if never."""
        return self._cooldowns.last(self._user_no, name)


def _parts(name: str) -> tuple[str, str]:
    """Return trigger and key; no trigger has a slash in its name."""
    trigger, _, key = name.partition("/")
    return trigger, key
