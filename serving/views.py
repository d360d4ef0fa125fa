"""One person at one moment, as conditions see them: the log is asked only where a condition does."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.kinds import Kind, fold_name
from features.layout import Floats
from features.suspicion import MACHINES_DO
from models.learned_segments import LearnedSegments
from policy.policy import Policy
from policy.send_hours import Hours, prior_hours
from policy.view import Seen, SentMessage
from serving.driver import Row, driver
from serving.occasions import Occasion
from serving.people import Person
from serving.profiles import Profiles

_MACHINES: Final = tuple(sorted(map(int, MACHINES_DO)))
# What happened after a moment also became known after it, and a link after all that it links: the walk back from the
# last event, and from each link into what it linked, may end there. Links of later on are not followed.
_SINCE: Final = f"""
WITH RECURSIVE chain (prev_seq, linked_no, kind, name, occurred_at, known_at, payload) AS (
    SELECT e.prev_seq, e.linked_no, e.kind, e.name, e.occurred_at, e.known_at, e.payload
    FROM users u JOIN events e ON e.seq = u.last_seq WHERE u.user_no = ?1 AND e.known_at > ?2
    UNION ALL
    SELECT e.prev_seq, e.linked_no, e.kind, e.name, e.occurred_at, e.known_at, e.payload
    FROM chain JOIN events e ON e.seq = chain.prev_seq WHERE e.known_at > ?2
    UNION ALL
    SELECT e.prev_seq, e.linked_no, e.kind, e.name, e.occurred_at, e.known_at, e.payload
    FROM chain JOIN users u ON u.user_no = chain.linked_no JOIN events e ON e.seq = u.last_seq
    WHERE chain.known_at <= ?3 AND e.known_at > ?2
)
SELECT kind, name, occurred_at, known_at, payload FROM chain
WHERE known_at <= ?3 AND occurred_at > ?2
AND NOT (kind IN {_MACHINES} AND json_type(payload, '$.properties.machine') IS 'true')
ORDER BY occurred_at DESC, known_at DESC
"""
_COLUMNS: Final = {name: column for column, name in enumerate(CATALOGUE.names)}
_payload = msgspec.json.Decoder().decode

NO_POLICY: Final = Policy()
NO_DECILES: Final[Mapping[str, Sequence[float]]] = MappingProxyType({})


class _Properties(Mapping[str, Any]):
    """The properties of an event of the log, read from its text when somebody looks: most conditions never do."""

    __slots__ = ("_found", "_payload")

    def __init__(self, payload: str) -> None:
        self._payload = payload
        self._found: Mapping[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = _payload(self._payload).get("properties", {})
        return self._found


class PersonView:
    """A `policy.view.View` of a person when an occasion asks."""

    def __init__(
        self,
        connection: Connection,
        person: Person,
        features: Floats,
        intents: Mapping[str, float | None],
        *,
        at: int,
        timezone: str | None,
        event: Seen | None = None,
        message: SentMessage | None = None,
        profiles: Profiles | None = None,
        policy: Policy = NO_POLICY,
        deciles: Mapping[str, Sequence[float]] = NO_DECILES,
        hours: Callable[[], Hours] = prior_hours,
        learned: LearnedSegments | None = None,
    ) -> None:
        """Prepare; the events up to the moment must have been written.

        Args:
            connection: Of the transaction.
            person: Whom it is about.
            features: The feature vector at the moment, of shape (n_features,).
            intents: Probability of a purchase by horizon.
            at: The moment, in microseconds.
            timezone: Where they were then: an IANA name, or None.
            event: What asks.
            message: The last one of the sequence whose next step is asked.
            profiles: Those of the batch.
            policy: Whose segments conditions may name.
            deciles: By horizon, what parts the tenths of what its model was tested on, ascending.
            hours: Tells how good each hour of their day is.
            learned: The learned segments in service.
        """
        # The driver is asked for only where a condition asks the log.
        self._connection = connection
        self._user_no = person.no
        self._timezone = timezone
        self._features = features
        self._intents = intents
        self._policy = policy
        self._deciles = deciles
        self._hours = hours
        self._learned = learned
        self._profiles = profiles
        self._rows: list[Row] = []
        self._read_before: list[Seen | None] = []
        self._answers: dict[tuple[int | str | None, int], Sequence[Seen]] = {}
        self._since: int | None = None
        self.at = at
        self.event = event
        self.message = message

    def recent(self, kind_or_name: int | str, since_us: int, /) -> Sequence[Seen]:
        """Return the events of that kind or folded name that happened after `since_us`, newest first."""
        asked = kind_or_name, since_us
        if asked not in self._answers:
            found = enumerate(self._read(since_us))
            self._answers[asked] = [
                self._seen(i) for i, row in found if row[2] > since_us and _is_of(row[0], row[1], kind_or_name)
            ]
        return self._answers[asked]

    def everything(self, since_us: int, /) -> Sequence[Seen]:
        """Return the events of every kind that happened after `since_us`, newest first."""
        asked = None, since_us
        if asked not in self._answers:
            found = enumerate(self._read(since_us))
            self._answers[asked] = [self._seen(i) for i, row in found if row[2] > since_us]
        return self._answers[asked]

    def look_back(self, since_us: int) -> None:
        """Read what happened after a moment at once, for whatever conditions will ask for one after the other."""
        self._read(since_us)

    def _read(self, since_us: int) -> list[Row]:
        if self._since is None or since_us < self._since:
            asked = (self._user_no, since_us, self.at)
            self._rows = driver(self._connection).execute(_SINCE, asked).fetchall()
            self._read_before = [None] * len(self._rows)
            self._since = since_us
        return self._rows

    def _seen(self, i: int) -> Seen:
        """Return a row as an event; what several conditions look at is read once."""
        found = self._read_before[i]
        if found is None:
            kind, name, occurred_at, known_at, payload = self._rows[i]
            found = Seen(kind, name, occurred_at, known_at, _Properties(payload))
            self._read_before[i] = found
        return found

    def feature(self, name: str, /) -> float:
        """Return a feature of the catalogue; NaN where there is no answer."""
        return float(self._features[_COLUMNS[name]])

    def intent(self, horizon: str, /) -> float | None:
        """Return the probability of a purchase within the horizon; None where there is no answer."""
        return self._intents.get(horizon)

    def decile(self, horizon: str, /) -> int | None:
        """Return in which tenth of what the model was tested on the intent is, 10 the highest; None if unknown."""
        intent, between = self._intents.get(horizon), self._deciles.get(horizon)
        return bisect_right(between, intent) + 1 if between and intent is not None else None

    def send_hour_confidence(self) -> float:
        """Return how sure the best hour of the person's day is: not at all where only the prior answers."""
        return self._hours().confidence

    def learned(self, family: str, /) -> str | None:
        """Return the learned segment of a family at this moment; None where none of it is in service."""
        return None if self._learned is None else self._learned.of(self._features, family)

    def segment(self, name: str, /) -> bool:
        """Whether the person is in a segment of the policy, by its own condition at this moment."""
        # Who is in it does not depend on what asks.
        unasked = copy(self)
        unasked.event = unasked.message = None
        return self._policy.segments_by_name[name].holds(unasked)

    def profile(self, field: str, /) -> object:
        """Return what is known of the person besides their behaviour: their zone, and what their traits tell."""
        if field == "timezone" or self._profiles is None:
            return self._timezone if field == "timezone" else None
        return self._profiles.value(self._user_no, field, at=self.at)


def asked_by(asking: Occasion) -> Seen:
    """Return the event that asks, as conditions see it."""
    event = asking.event
    return Seen(event.kind, event.name, asking.happened_at, asking.known_at, event.properties)


def _is_of(kind: int, name: str, key: int | str) -> bool:
    return kind == key if kind != Kind.OTHER else fold_name(name) == key
