"""The ledger as rows to hand out: each decision with what was known, what was drawn, what followed, in parts."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from features.catalog import CATALOGUE
from features.moments import SECOND_US, zone
from models.horizon import duration
from training.dataset import LATE

AT_ONCE = 2_000

_ROWS = """
SELECT d.*, p.user_key, p.unit, p.timezone, v.features, v.catalogue, v.scores, v.raw_scores
FROM decisions d JOIN users u ON u.user_no = d.user_no
JOIN users p ON p.user_no = COALESCE(u.merged_into, u.user_no)
LEFT JOIN evaluations v ON v.decision_id = d.decision_id
WHERE :trigger IS NULL OR d.trigger = :trigger ORDER BY d.at, d.trigger_decision_id
"""
_OUTCOMES = """
SELECT o.trigger_decision_id, o.kind, o.value, o.occurred_at FROM json_each(:ids) i
JOIN outcomes o ON o.trigger_decision_id = i.value ORDER BY o.occurred_at, o.event_seq
"""
_DELIVERED = """
SELECT o.trigger_decision_id, MIN(o.delivered_at) FROM json_each(:ids) i
JOIN outbox o ON o.trigger_decision_id = i.value GROUP BY o.trigger_decision_id
"""
_READ = ("features", "scores", "raw_scores", "draws")
_OF_HOUR = ("hour_probability", "hour_explored", "eligible_hours")
_NOTHING_DRAWN: dict[str, Any] = dict.fromkeys(
    ("experiment", "salt", "explored", "everybody", "everybody_probability", *_OF_HOUR)
)
# What an arm puts off is decided again: by the same event and step, and with nothing left to chance.
_BEGUN = """
SELECT trigger, event_seq, step, min(trigger_decision_id) FROM decisions WHERE reason = 'put_off' AND arm IS NOT NULL
GROUP BY trigger, event_seq, step
"""
# An hour is drawn when a message is put off to it; the decision that it leads to is of the same event and step.
_HOURS = "SELECT trigger, event_seq, step, draws FROM decisions WHERE reason = 'put_off' AND draws IS NOT NULL"
_UNTIL = "SELECT COALESCE(MAX(last_known_at), 0) FROM users"


class Outcome(NamedTuple):
    """What followed: its kind, its moment in microseconds, its amount if it has one."""

    kind: str
    occurred_at: int
    value: float | None


class Row(NamedTuple):
    """One decision of one trigger; moments in microseconds.

    Attributes:
        decision: Columns of the table `decisions`, with the person's `user_key`, and with what `draws` says: `unit`,
            `experiment`, `salt`, `timezone`, `explored`, `everybody` and the hour. Where nothing was drawn, unit and
            zone are those known now.
        features: As they were scored, by name; None where retention removed them or the catalogue was another one.
        scores: Of each horizon, by its label.
        raw_scores: The same before calibration; nothing of a horizon whose model has no calibrator.
        outcomes: In the order in which they happened.
        delivered_at: When the message was handed over; None if it was not, or nobody remembers.
        window_end: When its horizon is over; None where the trigger had none.
        matured: Whether that was long enough before the last moment of the log.
        goes_on: Whether it only carries out what an arm had put off.
    """

    decision: Mapping[str, Any]
    features: Mapping[str, float] | None
    scores: Mapping[str, float | None]
    raw_scores: Mapping[str, float | None]
    outcomes: tuple[Outcome, ...]
    delivered_at: int | None
    window_end: int | None
    matured: bool
    goes_on: bool

    @property
    def drawn(self) -> bool:
        """Whether chance could send the message and did, or could have: all else had only one possible action."""
        return not self.goes_on and (self.decision["arm"] is not None or bool(self.decision["send_probability"]))

    @property
    def sent(self) -> bool:
        """Whether the message was sent, or put off by its arm, rather than withheld by whichever draw."""
        return self.decision["action"] == "send" or (
            self.decision["reason"] == "put_off" and self.decision["arm"] is not None
        )

    @property
    def propensity(self) -> float:
        """The probability of what was done, of sending and withholding, under the whole policy."""
        sending = self.decision["send_probability"]
        if sending is None:
            return float(self.decision["propensity"])
        return float(sending if self.sent else 1.0 - sending)

    @property
    def orders(self) -> tuple[Outcome, ...]:
        """The orders among the outcomes."""
        return tuple(each for each in self.outcomes if each.kind == "order")

    @property
    def local_hour(self) -> int | None:
        """The hour of the person's day, by the zone they were in; None where none is known, or none any more."""
        name = self.decision["timezone"]
        place = zone(name) if name is not None else None
        if place is None:
            return None
        return datetime.fromtimestamp(self.decision["at"] / SECOND_US, UTC).astimezone(place).hour


def rows(database: Path, *, trigger: str | None = None) -> Iterator[list[Row]]:
    """Yield the decisions of a SQLite database in the order of their moments, in parts; of one moment, all of them.

    Args:
        database: Only read, while a server may go on.
        trigger: Whose; None for all.
    """
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        until = int(connection.execute(_UNTIL).fetchone()[0])
        hours = {
            (name, event, step): {key: each for key, each in json.loads(draws).items() if key in _OF_HOUR}
            for name, event, step, draws in connection.execute(_HOURS)
        }
        begun = {(name, event, step): first for name, event, step, first in connection.execute(_BEGUN)}
        cursor = connection.execute(_ROWS, {"trigger": trigger})
        while part := cursor.fetchmany(AT_ONCE):
            yield _part(connection, part, hours, begun, until)


_Hours = Mapping[tuple[str, int, int], Mapping[str, Any]]
_Begun = Mapping[tuple[str, int, int], str]


def _part(
    connection: sqlite3.Connection, part: Sequence[sqlite3.Row], hours: _Hours, begun: _Begun, until: int
) -> list[Row]:
    ids = {"ids": json.dumps([each["trigger_decision_id"] for each in part])}
    outcomes = defaultdict(list)
    for decision, kind, value, occurred_at in connection.execute(_OUTCOMES, ids):
        outcomes[decision].append(Outcome(kind, occurred_at, value))
    delivered = dict(connection.execute(_DELIVERED, ids).fetchall())
    found = []
    for each in part:
        own, decided = each["trigger_decision_id"], (each["trigger"], each["event_seq"], each["step"])
        goes_on = begun.get(decided, own) != own
        found.append(_row(each, hours.get(decided, {}), tuple(outcomes[own]), delivered, until, goes_on=goes_on))
    return found


def _row(
    found: sqlite3.Row,
    hour: Mapping[str, Any],
    outcomes: tuple[Outcome, ...],
    delivered: Mapping[str, int | None],
    until: int,
    *,
    goes_on: bool,
) -> Row:
    packed, catalogue = found["features"], found["catalogue"]
    known = packed is not None and catalogue == CATALOGUE.fingerprint
    values = np.frombuffer(packed, dtype="<f8").tolist() if known else ()
    horizon = found["horizon"]
    end = None if horizon is None else found["at"] + round(duration(horizon).total_seconds() * SECOND_US)
    decision = {key: found[key] for key in found.keys() if key not in _READ}  # noqa: SIM118
    return Row(
        decision={**decision, **_NOTHING_DRAWN, **hour, **(json.loads(found["draws"]) if found["draws"] else {})},
        features=dict(zip(CATALOGUE.names, values, strict=True)) if known else None,
        scores=json.loads(found["scores"]) if found["scores"] else {},
        raw_scores=json.loads(found["raw_scores"]) if found["raw_scores"] else {},
        outcomes=outcomes,
        delivered_at=delivered.get(found["trigger_decision_id"]),
        window_end=end,
        matured=end is not None and end + round(LATE.total_seconds() * SECOND_US) <= until,
        goes_on=goes_on,
    )
