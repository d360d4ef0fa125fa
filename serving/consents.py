"""What each user said about being written to: per purpose and channel, the latest word of each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection

from policy.guards import EVERY_CHANNEL, Given
from serving.driver import driver, listed
from serving.lessons import Lesson

_READ: Final = """
SELECT user_no, purpose, channel, granted, at, source FROM consents
WHERE user_no IN (SELECT value FROM json_each(?))
"""
_FORGET: Final = "DELETE FROM consents WHERE user_no = ?"
_WRITE: Final = "INSERT INTO consents (user_no, purpose, channel, granted, at, source) VALUES (?, ?, ?, ?, ?, ?)"

STATEMENT: Final = "statement"
CONTEXT: Final = "context"
Key = tuple[str, str]


Consents = dict[Key, Given]
"""(purpose, channel or `*`) -> the latest word on it; a word on one channel goes before one on all."""


def read(connection: Connection, user_nos: Iterable[int]) -> Mapping[int, Consents]:
    """Return what each of these users said."""
    found: dict[int, Consents] = defaultdict(dict)
    for user_no, purpose, channel, granted, at, source in (
        driver(connection).execute(_READ, (listed(list(user_nos)),)).fetchall()
    ):
        found[user_no][purpose, channel] = Given(bool(granted), at, source)
    return found


def write(connection: Connection, said: Mapping[int, Consents]) -> None:
    """Replace what these users said."""
    to = driver(connection)
    to.executemany(_FORGET, [(user_no,) for user_no in said])
    to.executemany(
        _WRITE,
        [
            (user_no, purpose, channel, given.granted, given.at, given.source)
            for user_no, consents in said.items()
            for (purpose, channel), given in consents.items()
        ],
    )


def hear(known: Consents, lesson: Lesson, *, at: int) -> bool:
    """Add what a lesson says at a moment in microseconds; return whether that changed anything.

    The latest word counts, whatever came in last. What a browser merely remembers overturns no refusal, and a word on
    all channels takes back the earlier ones on each.
    """
    changed = False
    for key, granted in lesson.consents.items():
        if any(each in known and known[each].at > at for each in (key, _wide(key))):
            continue
        if not lesson.is_statement and not _is_news(known, key, granted=granted):
            continue
        known[key] = Given(granted, at, STATEMENT if lesson.is_statement else CONTEXT)
        _replace_narrower(known, key, at)
        changed = True
    return changed


def join(mine: Consents, theirs: Mapping[Key, Given]) -> bool:
    """Add the words of another id of the same person: of two the stricter counts; return whether that changed any."""
    before = dict(mine)
    for key in [*mine, *theirs]:
        words = [_word(side, key) for side in (before, theirs)]
        mine[key] = min((each for each in words if each is not None), key=lambda each: each.granted)
    return mine != before


def _word(said: Mapping[Key, Given], key: Key) -> Given | None:
    return said.get(key) or said.get(_wide(key))


def _is_news(known: Mapping[Key, Given], key: Key, *, granted: bool) -> bool:
    """Whether what a browser remembers says more than what is known: a yes where nothing was said, a no where a yes."""
    said = known.get(key)
    if granted:
        return said is None and not _is_refused(known, key)
    return said is None or said.granted


def _is_refused(known: Mapping[Key, Given], key: Key) -> bool:
    """Whether a purpose was refused on all channels, or, where it is asked for all, on any."""
    purpose, channel = key
    return any(
        of == purpose and EVERY_CHANNEL in (on, channel) and not given.granted for (of, on), given in known.items()
    )


def _replace_narrower(known: Consents, key: Key, at: int) -> None:
    purpose, channel = key
    if channel == EVERY_CHANNEL:
        for other in [each for each in known if each[0] == purpose and each[1] != channel]:
            if known[other].at <= at:
                del known[other]


def _wide(key: Key) -> Key:
    return key[0], EVERY_CHANNEL
