"""Who is in which segment: followed from event to event, and looked at again when time alone may have changed it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from features.layout import Floats
from policy.policy import Policy
from policy.quantities import microseconds
from policy.send_hours import prior_hours
from policy.view import EVER_US
from serving import members
from serving.driver import driver
from serving.items import Score
from serving.log import Appended
from serving.members import AT_ONCE_DUE, Change, Membership
from serving.message import Message
from serving.outbox import enqueue
from serving.past import state_at
from serving.people import People, Person
from serving.profiles import Profiles
from serving.scorer import Scorer
from serving.segment_message import announcement
from serving.send_hours import PersonHours, hours_of
from serving.views import PersonView

EVENT, TIME, RECOMPUTED = "event", "time", "recomputed"
WATCH_EVERY_US: Final = microseconds(timedelta(days=1))
"""What looks at features, intent or the profile is looked at again so often, without an event."""
WATCH_FOR_US: Final = microseconds(timedelta(days=180))
"""But not of somebody of whom nothing was heard for so long: what fades has faded by then."""
_NOBODY: Final = np.empty(0)


class _Noted(NamedTuple):
    added: Appended
    segments: tuple[str, ...]
    reading: int | None


class Memberships:
    """The segments of the people of one batch; free where the policy has none."""

    def __init__(
        self, connection: Connection, policy: Policy, scorer: Scorer, profiles: Profiles | None = None
    ) -> None:
        """`scorer` is asked for the intent of past moments; `profiles` are those of the batch, if there is one."""
        self._connection = connection
        self._driver = driver(connection)
        self._policy = policy
        self._rules = policy.segment_rules
        self._scorer = scorer
        self._profiles = profiles or Profiles(connection)
        self._noted: list[_Noted] = []
        self._known: dict[int, Membership] = {}
        self._looked: dict[int, Membership] = {}
        self._changes: list[Change] = []
        self._kept: dict[str, str] | None = None
        self.messages: list[Message] = []

    def touched_by(self, added: Appended) -> tuple[str, ...]:
        """Return the names of the segments that an event may change: all of them for who is new, or was linked."""
        if not self._rules.by_name:
            return ()
        if added.first or added.merged is not None:
            return tuple(self._rules.by_name)
        return self._rules.touched_by(added.event.kind, added.event.name)

    def is_watched(self, names: Iterable[str]) -> bool:
        """Whether one of these segments looks at what only the state of the person can tell."""
        return not self._rules.watched.isdisjoint(names)

    def note(self, added: Appended, segments: tuple[str, ...], reading: int | None) -> None:
        """Look at these segments once the events are written; `reading` is the place of its score, where it has one."""
        self._noted.append(_Noted(added, segments, reading))

    def settle(self, scores: Sequence[Score]) -> None:
        """Look at what was noted, in the order of the log, and write it down; the events must have been written."""
        if not self._noted:
            return
        people = [each.added.person for each in self._noted]
        people += [each.added.merged for each in self._noted if each.added.merged is not None]
        self._known = members.read(self._driver, {each.no for each in people})
        for added, segments, reading in self._noted:
            self._heed(added, segments, None if reading is None else scores[reading])
        self._save()

    def catch_up(self, people: Sequence[Person], *, until: int, within_s: float) -> tuple[int, int]:
        """Look at people for whom time may have changed something before a moment, for no longer than so many seconds.

        Returns how many people that were, one at least, and how many changes there were.
        """
        self._known = members.read(self._driver, {each.no for each in people})
        begun, looked = time.perf_counter(), 0
        for person in people:
            self._catch_up(person, max(until, person.last_known_at + 1))
            looked += 1
            if time.perf_counter() - begun > within_s:
                break
        changes = len(self._changes)
        self._save()
        return looked, changes

    def send(self, *, at: int) -> None:
        """Put in the outbox what is to be told of it; `at` is the wall clock's moment in microseconds."""
        enqueue(self._connection, self.messages, at=at)

    def _heed(self, added: Appended, segments: tuple[str, ...], score: Score | None) -> None:
        person, at = added.person, added.known_at
        if added.merged is not None:
            self._catch_up(added.merged, at)
            self._join(person.no, added.merged.no)
        self._catch_up(person, at)
        self._look(person, segments, at, EVENT, score=score)

    def _join(self, number: int, linked_no: int) -> None:
        # What was found so far is written down first, so that it is carried along.
        self._write()
        members.join(self._driver, linked_no, number)
        mine, theirs = self._known[number], self._known.pop(linked_no)
        for name, since in theirs.segments.items():
            mine.segments[name] = min(since, mine.segments.get(name, since))

    def _catch_up(self, person: Person, until: int) -> None:
        """Look at each moment before `until` at which time alone may have changed something, as of that moment."""
        known = self._known[person.no]
        everything = tuple(self._rules.by_name)
        if known.due_at == AT_ONCE_DUE:
            self._look(person, everything, until - 1, RECOMPUTED)
        while known.due_at is not None and known.due_at < until:
            self._look(person, everything, known.due_at, TIME, watch_from=until)

    def _look(
        self,
        person: Person,
        names: tuple[str, ...],
        at: int,
        cause: str,
        *,
        score: Score | None = None,
        watch_from: int = 0,
    ) -> None:
        known = self._known[person.no]
        if known.due_at is not None and known.due_at <= at:
            names = tuple(self._rules.by_name)
        view = self._view(person, names, at, score)
        for name in names:
            if self._rules.by_name[name].holds(view) is not (name in known.segments):
                self._change(person, known, Change(person.no, name, at, name not in known.segments, cause))
        moments = [self._rules.lapses_at(names, view), known.due_at]
        if self.is_watched(names) and at - person.last_known_at < WATCH_FOR_US:
            moments.append(max(at + WATCH_EVERY_US, watch_from))
        due_at = min((each for each in moments if each is not None and each > at), default=None)
        if due_at != known.due_at or known.looked_at is None or self._rules.watched:
            known.looked_at, known.due_at = at, due_at
            self._looked[person.no] = known

    def _view(self, person: Person, names: tuple[str, ...], at: int, score: Score | None) -> PersonView:
        features: Floats = _NOBODY
        intents: Mapping[str, float | None] = {}
        hours: PersonHours | None = None
        if self.is_watched(names):
            if score is not None:
                features, intents, hours = score.features, score.intent, score.hours
            else:
                found = state_at(self._connection, person.key, at)
                features, intents = found.features, self._scorer.predict(found.features.reshape(1, -1))[0]
                hours = hours_of(self._scorer.send_hours, found.hours, at, person.timezone)
        view = PersonView(
            self._connection,
            person,
            features,
            intents,
            at=at,
            timezone=person.timezone,
            profiles=self._profiles,
            policy=self._policy,
            deciles=self._scorer.deciles,
            learned=self._scorer.learned,
            hours=prior_hours if hours is None else hours.hours,
        )
        windows = (self._rules.windows_us[name] for name in names)
        if reach := max((each for each in windows if each < EVER_US), default=0):
            view.look_back(at - reach)
        return view

    def _change(self, person: Person, known: Membership, change: Change) -> None:
        self._changes.append(change)
        if change.entered:
            known.segments[change.segment] = change.at
        else:
            del known.segments[change.segment]
        endpoint = self._rules.by_name[change.segment].notify
        if endpoint is not None and self._is_news(change):
            self.messages.append(announcement(change, person, endpoint=endpoint, policy_version=self._policy.version))

    def _is_news(self, change: Change) -> bool:
        """Whether it was not so before: since the file changed everybody was looked at, or is before anything else."""
        if self._kept is None:
            self._kept = members.kept(self._driver)
        is_kept = self._kept.get(change.segment) == self._rules.digests[change.segment]
        return is_kept and change.cause != RECOMPUTED

    def _write(self) -> None:
        members.write(self._driver, self._looked, self._changes, policy_version=self._policy.version)
        self._looked, self._changes = {}, []

    def _save(self) -> None:
        self._write()
        self._noted = []


def look_again(connection: Connection, people: People, added: Iterable[Appended]) -> None:
    """Let the server look anew at whose history was imported, under all their ids; that sends nothing."""
    direct = driver(connection)
    for each in added:
        if each.merged is not None:
            members.join(direct, each.merged.no, each.person.no)
    members.look_again(direct, [each.no for each in people.known() if each.last_seq > 0])
