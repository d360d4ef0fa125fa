"""`make audit-segments`: compute from the whole log who is in which segment, and report each difference."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from features.cache import keep_compiled
from features.kinds import fold_name
from policy.policy import Policy
from policy.send_hours import prior_hours
from policy.source import PolicyRefused, load
from policy.view import Seen
from serving import members
from serving.champions import Champions
from serving.database import database_of_command
from serving.driver import Row, driver
from serving.log import last_moment
from serving.mapping_file import MappingRefused, read_mapping
from serving.members import Membership
from serving.past import state_at
from serving.people import People, Person
from serving.profiles import Profiles
from serving.scorer import Scorer
from serving.send_hours import hours_of
from serving.settings import settings_of_process
from serving.views import PersonView

SHOWN: Final = 20
_AT_ONCE: Final = 500
_PEOPLE: Final = """
SELECT user_no, user_key FROM users WHERE merged_into IS NULL AND last_seq > 0 AND user_no > ? ORDER BY user_no LIMIT ?
"""
# Every event of these people under all of their ids, link or no link: nothing that the memberships were made with.
_EVENTS: Final = """
WITH RECURSIVE chain (root, seq) AS (
    SELECT coalesce(merged_into, user_no), last_seq FROM users
    WHERE user_no IN (SELECT value FROM json_each(?1)) OR merged_into IN (SELECT value FROM json_each(?1))
    UNION ALL SELECT chain.root, e.prev_seq FROM chain JOIN events e USING (seq)
)
SELECT chain.root, e.kind, e.name, e.occurred_at, e.known_at, e.payload FROM chain JOIN events e USING (seq)
ORDER BY e.occurred_at DESC, e.known_at DESC
"""
_payload = msgspec.json.Decoder().decode
_STRAY: Final = """
SELECT u.user_key, m.segment FROM segment_members m JOIN users u USING (user_no)
WHERE u.merged_into IS NOT NULL OR m.segment NOT IN (SELECT value FROM json_each(?))
"""


class Difference(NamedTuple):
    """Somebody who is stored in a segment and should not be (`stored`), or the other way round."""

    user: str
    segment: str
    stored: bool


@dataclass
class Audit:
    """What was compared.

    Attributes:
        segments: How many segments there are.
        people: People whose memberships were computed.
        members: Memberships that are stored.
        waiting: People who are due to be looked at, and so not compared.
        differences: In the order of the people.
    """

    segments: int = 0
    people: int = 0
    members: int = 0
    waiting: int = 0
    differences: list[Difference] = field(default_factory=list)

    def summary(self) -> dict[str, int]:
        """Return the figures of a demonstration's summary."""
        return {
            "segments": self.segments,
            "people": self.people,
            "members": self.members,
            "differences": len(self.differences),
        }

    def __str__(self) -> str:
        waiting = f"; {self.waiting:,} people are due to be looked at" if self.waiting else ""
        return (
            f"{self.people:,} people and {self.members:,} memberships of {self.segments} segments recomputed from the "
            f"log, {len(self.differences):,} differences{waiting}"
        )


class _Person(NamedTuple):
    """Somebody, all their events, newest first, and what is stored of them."""

    person: Person
    log: Sequence[Seen]
    stored: Membership


class _WholeView(PersonView):
    """A view of somebody whose whole log is at hand."""

    log: Sequence[Seen] = ()

    def recent(self, kind_or_name: int | str, since_us: int, /) -> Sequence[Seen]:
        """Return the events of that kind or folded name that happened after `since_us`, newest first."""
        return [each for each in self.everything(since_us) if (each.kind or fold_name(each.name)) == kind_or_name]

    def everything(self, since_us: int, /) -> Sequence[Seen]:
        """Return the events of every kind that happened after `since_us`, newest first."""
        known = (each for each in self.log if each.occurred_at > since_us and each.known_at <= self.at)
        return [each for each in known if not each.by_machine]


def audit(connection: Connection, policy: Policy, scorer: Scorer) -> Audit:
    """Compute who is in which segment and compare it with what is stored.

    Each person is looked at as of the last moment of the log, or as of their last look if that came after it. What
    looks at features, intent or the profile holds as of the last look, by the models in service now.
    """
    found = Audit(segments=len(policy.segments))
    direct = driver(connection)
    last = last_moment(connection)
    names = json.dumps([each.name for each in policy.segments])
    for user, segment in direct.execute(_STRAY, (names,)).fetchall():
        found.differences.append(Difference(user, segment, stored=True))
    after = 0
    while rows := direct.execute(_PEOPLE, (after, _AT_ONCE)).fetchall():
        after = rows[-1][0]
        stored = members.read(direct, [number for number, _ in rows])
        due = {number for number, each in stored.items() if each.due_at is not None and each.due_at <= last}
        found.waiting += len(due)
        for each in _people(connection, [row for row in rows if row[0] not in due], stored):
            mine = each.stored.segments.keys() & policy.segments_by_name.keys()
            found.people += 1
            found.members += len(mine)
            should = _segments_of(connection, policy, scorer, each, last)
            found.differences += [Difference(each.person.key, name, name in mine) for name in sorted(should ^ mine)]
    return found


def _segments_of(connection: Connection, policy: Policy, scorer: Scorer, of: _Person, last: int) -> set[str]:
    """Return the names of the segments that somebody is in."""
    watched = policy.segment_rules.watched
    looked_at = of.stored.looked_at
    at = max(last, looked_at or 0)
    as_of = {name: looked_at if name in watched and looked_at else at for name in policy.segments_by_name}
    views = {moment: _view(connection, policy, scorer, of, moment) for moment in set(as_of.values())}
    return {each.name for each in policy.segments if each.holds(views[as_of[each.name]])}


def _view(connection: Connection, policy: Policy, scorer: Scorer, of: _Person, at: int) -> PersonView:
    features, intents, hours = np.empty(0), {}, None
    if policy.segment_rules.watched:
        found = state_at(connection, of.person.key, at)
        features, intents = found.features, scorer.predict(found.features.reshape(1, -1))[0]
        hours = hours_of(scorer.send_hours, found.hours, at, of.person.timezone)
    view = _WholeView(
        connection,
        of.person,
        features,
        intents,
        at=at,
        timezone=of.person.timezone,
        policy=policy,
        deciles=scorer.deciles,
        learned=scorer.learned,
        hours=prior_hours if hours is None else hours.hours,
        profiles=Profiles(connection),
    )
    view.log = of.log
    return view


def _people(connection: Connection, rows: Sequence[Row], stored: Mapping[int, Membership]) -> Iterator[_Person]:
    numbers = json.dumps([number for number, _ in rows])
    logs: dict[int, list[Seen]] = defaultdict(list)
    for root, kind, name, occurred_at, known_at, payload in driver(connection).execute(_EVENTS, (numbers,)).fetchall():
        logs[root].append(Seen(kind, name, occurred_at, known_at, _payload(payload).get("properties", {})))
    people = People(connection)
    people.find(key for _, key in rows)
    for number, key in rows:
        person = people.get(key)
        if person is not None:
            yield _Person(person, logs[number], stored[number])


def main() -> int:
    """Audit the configured home; return 1 where something differs, or the policy is refused."""
    settings = settings_of_process()
    keep_compiled(settings.home)
    try:
        mapping = read_mapping(settings.events)
        policy = load(settings.triggers, kind_of=mapping.kind_of)
    except (PolicyRefused, MappingRefused) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    with database_of_command(settings.database) as database, database.connect() as connection:
        found = audit(connection, policy, Champions(settings.home / "bundles", settings.horizons).load())
    for each in found.differences[:SHOWN]:
        stored = "" if each.stored else "not "
        sys.stdout.write(f"{each.user} is {stored}stored in {each.segment}, and the log says otherwise\n")
    sys.stdout.write(f"{found}\n")
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
