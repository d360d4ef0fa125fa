"""When each trigger last fired for each user: read before deciding, written with the decision."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from policy.triggers import cooling
from serving.driver import driver, listed

_READ: Final = """
SELECT user_no, trigger, key, fired_at FROM cooldowns
WHERE user_no IN (SELECT value FROM json_each(?)) AND key IN (SELECT value FROM json_each(?))
"""
_WRITE: Final = """
INSERT INTO cooldowns (user_no, trigger, key, fired_at) VALUES (?, ?, ?, ?)
ON CONFLICT (user_no, key, trigger) DO UPDATE SET fired_at = excluded.fired_at
WHERE excluded.fired_at > cooldowns.fired_at
"""


def last_fired(
    connection: Connection, user_nos: Sequence[int], keys: Iterable[str] = ()
) -> Mapping[int, dict[str, int]]:
    """Return for each user `Trigger.cools` -> moment of the last firing in microseconds, of these keys and of none."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    asked = (listed(list(user_nos)), listed(["", *keys]))
    for user_no, trigger, key, fired_at in driver(connection).execute(_READ, asked).fetchall():
        found[user_no][cooling(trigger, key)] = fired_at
    return found


def remember(connection: Connection, fired: Sequence[tuple[int, str, int]]) -> None:
    """Write firings, sent or withheld: (user_no, `Trigger.cools`, microseconds); the latest one stays."""
    if fired:
        rows = [(user_no, *_parts(name), at) for user_no, name, at in fired]
        driver(connection).executemany(_WRITE, rows)


class Cooldowns:
    """The cool-downs of the people of one round: read once a decision depends on one, and most do not come that far."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked: tuple[set[int], set[str]] = set(), set()
        self._known: dict[int, dict[str, int]] | None = None
        self._fired: list[tuple[int, str, int]] = []

    def prepare(self, user_nos: set[int], keys: set[str], *, at_once: bool) -> None:
        """Say whose, and for which carts and products; `at_once` where the table is about to change."""
        self._asked, self._known = (user_nos, keys), None
        if at_once:
            self._read()

    def of(self, user_no: int) -> Mapping[str, int]:
        """Return `Trigger.cools` -> moment of the last firing in microseconds, that of this round included."""
        return _LastFired(self, user_no)

    def read(self, user_no: int) -> dict[str, int]:
        """Return the same as it is now."""
        return (self._read() if self._known is None else self._known)[user_no]

    def fire(self, user_no: int, name: str, at: int) -> None:
        """Let a trigger cool down from a moment in microseconds on."""
        self.read(user_no)[name] = at
        self._fired.append((user_no, name, at))

    def join(self, user_no: int, linked_no: int) -> None:
        """Give somebody the cool-downs of an id that was linked to them."""
        mine = self.read(user_no)
        for name, at in self.read(linked_no).items():
            self.fire(user_no, name, max(at, mine.get(name, at)))

    def save(self) -> None:
        """Write the firings."""
        remember(self._connection, self._fired)

    def _read(self) -> dict[int, dict[str, int]]:
        numbers, keys = self._asked
        found = last_fired(self._connection, sorted(numbers), keys)
        self._known = {number: dict(found.get(number, {})) for number in numbers}
        return self._known


class _LastFired(Mapping[str, int]):
    __slots__ = ("_cooldowns", "_user_no")

    def __init__(self, cooldowns: Cooldowns, user_no: int) -> None:
        self._cooldowns = cooldowns
        self._user_no = user_no

    def __getitem__(self, name: str) -> int:
        return self._cooldowns.read(self._user_no)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cooldowns.read(self._user_no))

    def __len__(self) -> int:
        return len(self._cooldowns.read(self._user_no))


def _parts(name: str) -> tuple[str, str]:
    """Return trigger and key; no trigger has a slash in its name."""
    trigger, _, key = name.partition("/")
    return trigger, key
