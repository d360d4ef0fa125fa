"""The real engine in a temporary home, on a clock that the events move: what would be decided, with nothing sent.

No HTTP, no dispatcher, no files that outlive it; scores are given, or come from whatever models are.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import Engine as Database
from sqlalchemy import event as listening

from features.events import Event
from features.layout import Floats
from features.mapping import EventMapping
from features.moments import SECOND_US
from features.normalise import normalise
from policy.findings import Finding
from policy.policy import Policy
from policy.timing import timing
from serving.clock import ReplayClock, Ticks, wall
from serving.codes import EndlessPools
from serving.database import open_current, open_database
from serving.engine import Engine
from serving.findings import unpack
from serving.log import last_moment
from serving.metrics import Metrics
from serving.scorer import MEANINGS, Scorer, scorer
from serving.states import StateKeeper
from serving.work import Tools

_AT_ONCE: Final = 500
_MOST_WAKINGS: Final = 10_000
_NOBODY: Final = ((None, "nobody in particular"),)
_LAST_DUE: Final = "SELECT max(due_at) FROM timers"
_DECIDED: Final = """
SELECT d.trigger, u.user_key, d.at, d.action, d.reason, d.step, d.channels, d.due_at, d.trigger_decision_id,
    d.findings
FROM decisions d JOIN users u USING (user_no) WHERE d.at >= ? ORDER BY d.at, d.rowid
"""
_MESSAGES: Final = """
SELECT m.trigger_decision_id, m.message_id, m.endpoint, m.due_at, m.status, m.last_error, m.body
FROM outbox m ORDER BY m.rowid
"""


class Rehearsed(NamedTuple):
    """A decision that the rehearsal took.

    Attributes:
        trigger: Whose decision.
        user_key: About whom.
        at: When, in microseconds.
        action: `send`, `control` or `hold`.
        reason: Why.
        step: Of the trigger's sequence; 0 is the trigger itself.
        channels: On which a message is sent or withheld.
        due_at: When it is asked again, in microseconds; None where nothing was put off.
        decision_id: Its id.
        findings: What each guard said.
    """

    trigger: str
    user_key: str
    at: int
    action: str
    reason: str
    step: int
    channels: tuple[str, ...]
    due_at: int | None
    decision_id: str
    findings: tuple[Finding, ...]


class Written(NamedTuple):
    """A message that nobody sends; `due_at` in microseconds."""

    decision_id: str
    message_id: str
    endpoint: str
    due_at: int
    status: str
    last_error: str | None
    body: str


@dataclass
class Constant:
    """A model that says the same of everybody, until it is told to say something else; NaN is no answer."""

    probability: float
    name: str = "constant"
    version: str = "0"
    calibrated: bool = False

    def predict(self, rows: Floats) -> Floats:
        """Return the one probability for each row."""
        return np.full(len(rows), self.probability)

    def contributions(self, row: Floats) -> Sequence[tuple[str, float, float]]:  # noqa: ARG002 - as models have it
        """Return nothing: no feature moves it."""
        return ()


class KeptStates:
    """An online store in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the packed state of each key."""
        return [self._kept.get(key) for key in keys]

    def write(self, rows: Sequence[tuple[str, bytes, int]]) -> None:
        """Keep each row's state."""
        self._kept.update((key, state) for key, state, _ in rows)

    def delete(self, keys: Sequence[str]) -> None:
        """Forget the states of these keys."""
        for key in keys:
            self._kept.pop(key, None)


class Rehearsal:
    """One policy on one log; made by `rehearsal`, used within an event loop."""

    def __init__(self, database: Database, policy: Policy, models: Scorer, mapping: EventMapping, start: int) -> None:
        self.database = database
        self._mapping = mapping
        with database.connect() as connection:
            self._start = max(start, last_moment(connection))
        clock = ReplayClock(self._start)
        tools = Tools(
            keeper=StateKeeper(KeptStates()),
            scorer=models,
            policy=policy,
            timing=timing(policy),
            clock=clock,
            ticks=Ticks(clock, self._start),
            score_sample=0.0,
            nearest=lambda _: None,
            pools=EndlessPools(),
        )
        self.engine = Engine(database, tools, Metrics(), on_messages=lambda: None)

    async def tell(self, *events: Event | Mapping[str, Any]) -> None:
        """Take events in, in the order in which they arrived; plain messages are read as a server reads them.

        Raises:
            BadEvent: A message is none that a server would take.
        """
        for first in range(0, len(events), _AT_ONCE):
            await self.engine.ingest([self._event(each) for each in events[first : first + _AT_ONCE]])

    async def reach(self, moment: int) -> None:
        """Let everything happen that is due until a moment in microseconds."""
        await self.engine.score(_NOBODY, at=moment, keep=False)

    async def end(self) -> None:
        """Let everything happen that waits, however late it is due."""
        for _ in range(_MOST_WAKINGS):
            with self.database.connect() as connection:
                due = connection.exec_driver_sql(_LAST_DUE).scalar()
            if due is None:
                return
            await self.reach(due)
        raise RuntimeError("the policy lets timers begin without an end")

    def decisions(self) -> list[Rehearsed]:
        """Return what was decided, in order."""
        rows = self._rows(_DECIDED, self._start)
        return [
            Rehearsed(*row)._replace(channels=tuple(filter(None, (row[6] or "").split(","))), findings=unpack(row[9]))
            for row in rows
        ]

    def messages(self) -> list[Written]:
        """Return what would have been sent, in order."""
        return [Written(*row) for row in self._rows(_MESSAGES)]

    def _rows(self, query: str, *values: object) -> list[Sequence[Any]]:
        with self.database.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query, values)]

    def _event(self, event: Event | Mapping[str, Any]) -> Event:
        if isinstance(event, Event):
            return event
        said = event.get("timestamp")
        # What is rehearsed may lie years ahead.
        ahead = round(said * SECOND_US) if isinstance(said, float) else 0
        return normalise(event, received_at=max(wall(), ahead), mapping=self._mapping)


@contextmanager
def rehearsal(
    policy: Policy,
    models: Scorer,
    *,
    mapping: EventMapping,
    start: int = 0,
    prepare: Callable[[Path], None] | None = None,
) -> Iterator[Rehearsal]:
    """Open a rehearsal, and leave nothing of it behind.

    Args:
        policy: What decides.
        models: What scores; `constants` makes one.
        mapping: How plain messages become events.
        start: The moment on the clock, in microseconds; later where the log ends later.
        prepare: Puts a database of the present schema at a path, where the log is not to be empty.
    """
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as home:
        file = Path(home) / "opportune.db"
        (prepare or _empty)(file)
        database = open_current(file)
        listening.listen(database, "connect", _without_care)
        opened = Rehearsal(database, policy, models, mapping, start)
        try:
            yield opened
        finally:
            opened.engine.close()
            database.dispose()


def constants(probabilities: Mapping[str, float]) -> Scorer:
    """Return a scorer that says the same of everybody, by horizon."""
    return scorer({horizon: Constant(each) for horizon, each in probabilities.items()}, MEANINGS)


def _empty(file: Path) -> None:
    file.write_bytes(_blank())


@cache
def _blank() -> bytes:
    """Return the file of an empty database: making its tables takes longer than many a rehearsal."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as home:
        file = Path(home) / "opportune.db"
        open_database(file).dispose()
        return file.read_bytes()


def _without_care(connection: Any, _record: object) -> None:
    # Nothing outlives it, so nothing has to reach the disk.
    connection.execute("PRAGMA synchronous=OFF")
