"""Reports on their way into the log: whose they are, whether a machine did it, what cannot be used is set aside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from features.events import BadEvent
from serving.rejects import Reject
from serving.report_people import Whose, whose_are
from serving.reports import Report, event_of
from serving.strangers import keep_strangers
from serving.wire import Rejected

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database

    from features.events import Event
    from features.mapping import EventMapping
    from serving.engine import Engine
    from serving.metrics import Metrics
AT_ONCE = 200
"""Reports that are read before others get their turn."""
_NOBODY = "nobody"


@dataclass(slots=True)
class Told:
    """What a request told, read: its reports with their places, what cannot be used, how many are nothing to us."""

    source: str
    items: Mapping[str, object] = field(default_factory=dict)
    """What stands at each place of a list."""
    reports: list[tuple[str, Report]] = field(default_factory=list)
    refused: list[tuple[str, BadEvent]] = field(default_factory=list)
    ignored: int = 0


class Taken(msgspec.Struct, omit_defaults=True):
    """What became of it."""

    success: bool
    accepted: int = 0
    duplicates: int = 0
    strangers: int = 0
    ignored: int = 0
    dropped: int = 0
    rejected: list[Rejected] | None = None


async def read_each(source: str, items: Sequence[tuple[str, object]], read: Callable[[object], Report | None]) -> Told:
    """Read what a request tells, one after the other; one that cannot be read spoils no other."""
    told = Told(source, {place: item for place, item in items if place})
    for index, (place, item) in enumerate(items):
        if index % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        try:
            report = read(item)
        except BadEvent as bad:
            told.refused.append((place, _within(place, bad)))
            continue
        if report is None:
            told.ignored += 1
        else:
            told.reports.append((place, report))
    return told


class Intake:
    """Where reports go."""

    def __init__(
        self,
        engine: Engine,
        *,
        database: Database,
        mapping: Callable[[], EventMapping],
        metrics: Metrics,
        tracks_all: bool,
        replay: bool = False,
    ) -> None:
        """Keep what is needed; `tracks_all` says whether the text of what cannot be used may be kept."""
        self._engine = engine
        self._database = database
        self._mapping = mapping
        self._metrics = metrics
        self._tracks_all = tracks_all
        self._replay = replay

    async def take(self, told: Told, *, body: bytes, at: int) -> Taken:
        """Write down what a request told, as of a moment in microseconds.

        Raises:
            BadEvent: Nothing of it can be used.
        """
        reports = [report for _, report in told.reports]
        whose = await asyncio.to_thread(self._whose, reports) if reports else []
        known: list[Event] = []
        strangers: list[Event] = []
        for (place, report), found in zip(told.reports, whose, strict=True):
            try:
                event = self._event(report, found, at)
            except BadEvent as bad:
                told.refused.append((place, _within(place, bad)))
                continue
            is_known = found.key is not None or (report.makes_people and report.ids != (None, None))
            (known if is_known else strangers).append(event)
        taken = Taken(True, ignored=told.ignored, strangers=await self._count_strangers(told.source, strangers, at))
        if known:
            await self._ingest(known, taken)
        await self._refuse(told, taken, body, at)
        self._count(told.source, taken)
        if told.refused and not (known or strangers or told.ignored):
            raise told.refused[0][1]
        return taken

    def _whose(self, reports: Sequence[Report]) -> list[Whose]:
        with self._database.connect() as connection:
            return whose_are(connection, reports, replay=self._replay)

    def _event(self, report: Report, found: Whose, at: int) -> Event:
        has_owner = found.key is not None or report.ids != (None, None)
        return event_of(
            report,
            found.key if has_owner else _NOBODY,
            decision_id=found.decision_id,
            machine=found.machine,
            mapping=self._mapping(),
            received_at=at,
        )

    async def _ingest(self, events: Sequence[Event], taken: Taken) -> None:
        ingested = await self._engine.ingest(events)
        taken.accepted, taken.duplicates = ingested.accepted, ingested.duplicates
        taken.dropped = ingested.erased + ingested.untracked + ingested.outdated
        self._metrics.took_in(ingested)

    async def _count_strangers(self, source: str, events: Sequence[Event], at: int) -> int:
        if not events:
            return 0
        return await self._engine.write(lambda connection: keep_strangers(connection, source, events, at=at))

    async def _refuse(self, told: Told, taken: Taken, body: bytes, at: int) -> None:
        if not told.refused:
            return
        taken.rejected = [
            Rejected(index=_index(place), field=bad.field, reason=bad.reason) for place, bad in told.refused
        ]
        rejects = [self._reject(told, place, bad, body, at) for place, bad in told.refused]
        self._metrics.events["rejected"] += len(rejects)
        await self._engine.set_aside(rejects)

    def _reject(self, told: Told, place: str, bad: BadEvent, body: bytes, at: int) -> Reject:
        """Return what is kept of something: without its text where nobody can tell whose it is."""
        if not self._tracks_all:
            return Reject(at, told.source, place, bad.field, bad.code, "")
        return Reject(at, told.source, place, bad.field, bad.reason, _text(told, place, body))

    def _count(self, source: str, taken: Taken) -> None:
        counted = self._metrics.reports
        for name in ("accepted", "duplicates", "strangers", "ignored", "dropped"):
            counted[source, name] += getattr(taken, name)
        counted[source, "rejected"] += len(taken.rejected or ())


def _within(place: str, bad: BadEvent) -> BadEvent:
    """Return what is wrong with something, its place in the body before that within it."""
    if not place:
        return bad
    return BadEvent(f"{place}.{bad.field}" if bad.field else place, bad.reason, bad.code)


def _text(told: Told, place: str, body: bytes) -> str:
    """Return the text of what stands at a place; of the whole body where that is one thing."""
    if place not in told.items:
        return body.decode(errors="replace")
    return json.dumps(told.items[place], ensure_ascii=False, default=str).encode(errors="replace").decode()


def _index(place: str) -> int:
    return int("".join(filter(str.isdigit, place)) or 0)
