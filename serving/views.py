"""One person at one moment, as conditions see them: the log is asked only where a condition does."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.kinds import Kind, fold_name
from features.layout import Floats
from policy.view import Seen
from serving.driver import Row, driver
from serving.occasions import Occasion

# What happened after a moment also became known after it: the walk back may end there.
_SINCE: Final = """
WITH RECURSIVE chain (prev_seq, kind, name, occurred_at, known_at, payload) AS (
    SELECT e.prev_seq, e.kind, e.name, e.occurred_at, e.known_at, e.payload
    FROM users u JOIN events e ON e.seq = u.last_seq
    WHERE (u.user_no = ?1 OR u.merged_into = ?1) AND e.known_at > ?2
    UNION ALL
    SELECT e.prev_seq, e.kind, e.name, e.occurred_at, e.known_at, e.payload
    FROM chain JOIN events e ON e.seq = chain.prev_seq WHERE e.known_at > ?2
)
SELECT kind, name, occurred_at, known_at, payload FROM chain
WHERE known_at <= ?3 AND occurred_at > ?2 ORDER BY occurred_at DESC, known_at DESC
"""
_COLUMNS: Final = {name: column for column, name in enumerate(CATALOGUE.names)}
_payload = msgspec.json.Decoder().decode


class PersonView:
    """A `policy.view.View` of a person when an occasion asks."""

    def __init__(
        self, connection: Connection, asking: Occasion, features: Floats, intents: Mapping[str, float | None]
    ) -> None:
        """Prepare; the events up to the occasion must have been written.

        Args:
            connection: Of the transaction.
            asking: The occasion.
            features: The feature vector at its moment, of shape (n_features,).
            intents: Probability of a purchase by horizon.
        """
        self._driver = driver(connection)
        self._user_no = asking.person.no
        self._timezone = asking.person.timezone
        self._features = features
        self._intents = intents
        self._rows: list[Row] = []
        self._since: int | None = None
        self.at = asking.at
        event = asking.event
        properties = event.payload.get("properties", {})
        self.event: Seen | None = Seen(event.kind, event.name, event.occurred_at, asking.known_at, properties)

    def recent(self, kind_or_name: int | str, since_us: int, /) -> Sequence[Seen]:
        """Return the events of that kind or folded name that happened after `since_us`, newest first."""
        if self._since is None or since_us < self._since:
            asked = (self._user_no, since_us, self.at)
            self._rows = self._driver.execute(_SINCE, asked).fetchall()
            self._since = since_us
        return [
            Seen(kind, name, occurred_at, known_at, _payload(payload).get("properties", {}))
            for kind, name, occurred_at, known_at, payload in self._rows
            if occurred_at > since_us and _is_of(kind, name, kind_or_name)
        ]

    def feature(self, name: str, /) -> float:
        """Return a feature of the catalogue; NaN where there is no answer."""
        return float(self._features[_COLUMNS[name]])

    def intent(self, horizon: str, /) -> float | None:
        """Return the probability of a purchase within the horizon; None where there is no answer."""
        return self._intents.get(horizon)

    def profile(self, field: str, /) -> object:
        """Return what is known of the person besides their behaviour: so far, their zone."""
        return self._timezone if field == "timezone" else None


def _is_of(kind: int, name: str, key: int | str) -> bool:
    return kind == key if kind != Kind.OTHER else fold_name(name) == key
