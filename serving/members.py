"""The tables of segments: who is in which, when somebody is looked at again, what changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from serving.driver import Driver, listed
from serving.facts import fact, forget_fact, set_fact

AT_ONCE_DUE: Final = 0
"""The moment at which whoever has to be looked at anew is due: before all others, and however the clock runs."""
_MEMBERS: Final = (
    "SELECT user_no, segment, since FROM segment_members WHERE user_no IN (SELECT value FROM json_each(?))"
)
_LOOKS: Final = "SELECT user_no, looked_at, due_at FROM segment_looks WHERE user_no IN (SELECT value FROM json_each(?))"
_ENTER: Final = "INSERT OR REPLACE INTO segment_members (segment, user_no, since) VALUES (?, ?, ?)"
_LEAVE: Final = "DELETE FROM segment_members WHERE segment = ? AND user_no = ?"
_LOOK: Final = "INSERT OR REPLACE INTO segment_looks (user_no, looked_at, due_at) VALUES (?, ?, ?)"
_CHANGE: Final = """
INSERT INTO segment_changes (user_no, segment, at, entered, cause, policy_version) VALUES (?, ?, ?, ?, ?, ?)
"""
_JOIN: Final = """
INSERT INTO segment_members (segment, user_no, since) SELECT segment, ?, since FROM segment_members WHERE user_no = ?
ON CONFLICT (segment, user_no) DO UPDATE SET since = min(since, excluded.since)
"""
_FORGET_MEMBERS: Final = "DELETE FROM segment_members WHERE user_no = ?"
_FORGET_LOOKS: Final = "DELETE FROM segment_looks WHERE user_no = ?"
_AGAIN: Final = """
INSERT INTO segment_looks (user_no, looked_at, due_at) VALUES (?, 0, ?)
ON CONFLICT (user_no) DO UPDATE SET due_at = excluded.due_at
"""
_KEPT: Final = "segments"


@dataclass(slots=True, eq=False)
class Membership:
    """What is known of one person.

    Attributes:
        segments: Name of each segment they are in -> since when, in microseconds.
        looked_at: When they were last looked at; None if never.
        due_at: When the passing of time may change something; `AT_ONCE_DUE` where all of it must be looked at anew.
    """

    segments: dict[str, int] = field(default_factory=dict)
    looked_at: int | None = None
    due_at: int | None = None


class Change(NamedTuple):
    """Somebody entered or left a segment at a moment, in microseconds, for a cause: `event`, `time` or `recomputed`."""

    user_no: int
    segment: str
    at: int
    entered: bool
    cause: str


def read(driver: Driver, numbers: Iterable[int]) -> dict[int, Membership]:
    """Return what is known of each of these people."""
    found = {number: Membership() for number in numbers}
    asked = (listed(list(found)),)
    for number, segment, since in driver.execute(_MEMBERS, asked).fetchall():
        found[number].segments[segment] = since
    for number, looked_at, due_at in driver.execute(_LOOKS, asked).fetchall():
        found[number].looked_at, found[number].due_at = looked_at, due_at
    return found


def write(driver: Driver, looked: Mapping[int, Membership], changes: Sequence[Change], *, policy_version: str) -> None:
    """Write down who was looked at, and what changed, in order."""
    for each in changes:
        if each.entered:
            driver.execute(_ENTER, (each.segment, each.user_no, each.at))
        else:
            driver.execute(_LEAVE, (each.segment, each.user_no))
    driver.executemany(_CHANGE, [(*each[:3], int(each.entered), each.cause, policy_version) for each in changes])
    driver.executemany(_LOOK, [(number, each.looked_at, each.due_at) for number, each in looked.items()])


def join(driver: Driver, linked_no: int, user_no: int) -> None:
    """Give what an id was in to the person it was linked to; of two moments of entering the earlier one stays."""
    driver.execute(_JOIN, (user_no, linked_no))
    driver.execute(_FORGET_MEMBERS, (linked_no,))
    driver.execute(_FORGET_LOOKS, (linked_no,))


def look_again(driver: Driver, numbers: Iterable[int]) -> None:
    """Let these people be looked at anew, if segments are kept here at all."""
    if fact(driver, _KEPT) is not None:
        driver.executemany(_AGAIN, [(number, AT_ONCE_DUE) for number in numbers])


def kept(driver: Driver) -> dict[str, str]:
    """Return the digest of each segment that is kept, by name; empty until everybody is due to be looked at."""
    found = fact(driver, _KEPT)
    digests: dict[str, str] = {} if found is None else json.loads(found)
    return digests


def keep(driver: Driver, digests: Mapping[str, str]) -> None:
    """Write down by which digests segments are kept from now on; empty where there are none."""
    if digests:
        set_fact(driver, _KEPT, json.dumps(dict(digests)))
    else:
        forget_fact(driver, _KEPT)
