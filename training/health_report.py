"""All that is looked at, of one home at one moment."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from features.moments import SECOND_US
from models.manifest import BundleRefused
from training.funnel import Funnel, funnels
from training.health_words import age, checks_of_model
from training.model_health import ModelHealth, model_health, models_in_service
from training.served import first_id, read_served
from training.silence import Silence, of_events, of_sends
from training.states_behind import States, states_behind
from training.status import Status
from training.weekly import Week, weeks

LATE_S: Final = 900.0
"""A message that is due for longer waits for something: a switch, a ceiling, or an endpoint that does not answer."""
_NEWEST: Final = "SELECT known_at, origin FROM events ORDER BY seq DESC LIMIT 1"
_EVALUATED: Final = "SELECT max(decision_id) FROM evaluations WHERE decision_id < ?"
_DUE: Final = "SELECT min(due_at) FROM outbox WHERE status = 'pending' AND due_at <= ?"


class Check(NamedTuple):
    """One line: what was looked at, how it stands, and why."""

    name: str
    status: Status
    words: str


@dataclass(frozen=True)
class Health:
    """One home at one moment.

    Attributes:
        at_us: The moment.
        days: How far back what was served and decided is looked at.
        models: In service, by horizon.
        refused: Why a bundle could not be looked at, by horizon.
        events: How long none came.
        sends: How long none was decided.
        evaluated_s: Seconds since somebody's features were read last; None where it never happened.
        states: How many are behind the log; None where that cannot be told, or the moment is past.
        overdue_s: For how long the message has been due that has waited longest; None where none waits.
        funnels: By trigger.
        weeks: By trigger and week.
    """

    at_us: int
    days: float
    models: tuple[ModelHealth, ...]
    refused: dict[str, str]
    events: Silence
    sends: Silence
    evaluated_s: float | None
    states: States | None
    overdue_s: float | None
    funnels: tuple[Funnel, ...]
    weeks: tuple[Week, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return every line."""
        return tuple(self._checks())

    @property
    def status(self) -> Status:
        """Return the gravest word of all."""
        return max((each.status for each in self.checks), key=lambda each: each.grade)

    def _checks(self) -> Iterator[Check]:
        yield _pause("events", self.events)
        yield _pause("sends", self.sends)
        yield _evaluations(self.evaluated_s)
        yield _states(self.states)
        yield _outbox(self.overdue_s)
        if not self.models and not self.refused:
            yield Check("models", Status.UNKNOWN, "none in service: the rule scores, and is compared with nothing")
        for each in self.models:
            yield from (Check(*line) for line in checks_of_model(each, self.at_us))
        for horizon, reason in self.refused.items():
            yield Check(f"{horizon} bundle", Status.ALERT, reason)


def _pause(name: str, found: Silence) -> Check:
    if found.age_s is None:
        return Check(name, found.status, "none yet, or none in four weeks")
    usual = "too little past to say what is usual" if found.usual_s is None else f"usually within {age(found.usual_s)}"
    return Check(name, found.status, f"last {age(found.age_s)} ago; {usual}")


def _evaluations(evaluated_s: float | None) -> Check:
    if evaluated_s is None:
        return Check("evaluations", Status.UNKNOWN, "nobody's features were ever read")
    return Check("evaluations", Status.OK, f"last {age(evaluated_s)} ago")


def _states(found: States | None) -> Check:
    if found is None:
        return Check("states", Status.UNKNOWN, "none in a file of this home, or the moment is past")
    words = f"{found.behind:,} of {found.looked_at:,} who did something last are behind the log"
    return Check("states", found.status, f"{words}; rebuilt when next read" if found.behind else words)


def _outbox(overdue_s: float | None) -> Check:
    if overdue_s is None:
        return Check("outbox", Status.OK, "no message is due")
    return Check("outbox", Status.ALERT if overdue_s > LATE_S else Status.OK, f"one is due for {age(overdue_s)}")


def present(database: Path) -> int:
    """Return the present moment in microseconds; where events were replayed last, that is the moment of the last one.

    Raises:
        sqlite3.DatabaseError: The database cannot be read.
    """
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        newest = connection.execute(_NEWEST).fetchone()
    return int(newest[0]) if newest is not None and newest[1] == "replay" else time.time_ns() // 1_000


def health(home: Path, *, days: float, at_us: int) -> Health:
    """Look at a home as it was known at a moment; the bundles are those of today.

    Args:
        home: With log and ledger; only read, while a server may go on.
        days: How far back.
        at_us: The moment, in microseconds.
    """
    database, window = home / "opportune.db", timedelta(days=days)
    since_us = at_us - round(window.total_seconds() * SECOND_US)
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        served = read_served(connection, since_us=since_us, until_us=at_us + 1)
        evaluated = connection.execute(_EVALUATED, (first_id(at_us + 1),)).fetchone()[0]
        due = connection.execute(_DUE, (at_us,)).fetchone()[0]
        newest = connection.execute(_NEWEST).fetchone()
        states = states_behind(home, connection, at_us=at_us) if newest and newest[0] <= at_us else None
        events, sends = of_events(connection, at_us=at_us), of_sends(connection, at_us=at_us)
        found, by_week = funnels(connection, since_us=since_us, at_us=at_us), weeks(connection, at_us=at_us)
    models, refused = [], {}
    for horizon, bundle in models_in_service(home).items():
        try:
            models.append(model_health(bundle, database, served, window=window, at_us=at_us))
        except BundleRefused as error:
            refused[horizon] = str(error)
    return Health(
        at_us=at_us,
        days=days,
        models=tuple(models),
        refused=refused,
        events=events,
        sends=sends,
        evaluated_s=None if evaluated is None else (at_us - int(evaluated[:13], 16)) / SECOND_US,
        states=states,
        overdue_s=None if due is None else (at_us - due) / SECOND_US,
        funnels=tuple(found),
        weeks=tuple(by_week),
    )
