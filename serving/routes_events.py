"""The Segment HTTP Tracking API: events in, one or many, answered once they are durable."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Raw, ValidationError

from features.events import BadEvent
from features.json_text import DEEPEST, TOO_DEEP, deeper_than
from features.message import merge_batch
from features.normalise import normalise
from serving import contract_events as contract
from serving import wire
from serving.errors import ServingError, TooLarge
from serving.keys import INGEST
from serving.misfits import find_misfit
from serving.rejects import Reject
from serving.routes import HotRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from features.events import Event
    from features.mapping import EventMapping
    from serving.callers import Caller
    from serving.engine import Engine
    from serving.metrics import Metrics

CALLS = ("track", "identify", "page", "screen", "alias", "group")
AT_ONCE = 200
"""Events of a batch that are read before others get their turn: about 5 ms."""
AGAIN = 8
"""How many largest batches it may come to what one says of all its events, with each: 4 MB."""
_SUCCESS = wire.encode(wire.EventsAnswer(success=True))


class EventRoutes:
    """The seven routes, on an engine."""

    def __init__(
        self,
        engine: Engine,
        *,
        mapping: Callable[[], EventMapping],
        metrics: Metrics,
        clock: Callable[[], int],
        max_event_bytes: int,
        max_batch_events: int,
        max_batch_bytes: int,
        tracks_all: bool,
    ) -> None:
        """Keep what answering needs.

        Args:
            engine: Takes events in.
            mapping: Returns how names and fields become ours.
            metrics: Where it is counted.
            clock: Tells the wall's microseconds since the epoch.
            max_event_bytes: Of an event in a batch.
            max_batch_events: In a batch.
            max_batch_bytes: Of a batch.
            tracks_all: Whether consent to tracking is assumed; else what cannot be used is set aside without its text.
        """
        self._engine = engine
        self._mapping = mapping
        self._metrics = metrics
        self._clock = clock
        self._max_event_bytes = max_event_bytes
        self._max_batch_events = max_batch_events
        self._most_again = AGAIN * max_batch_bytes
        self._tracks_all = tracks_all

    def routes(self) -> list[HotRoute]:
        """Return the routes as declared."""
        return [
            *(self._call(call, f"/v1/{call}") for call in CALLS),
            self._batch("/v1/batch"),
            # As Segment's browser SDK, analytics.js, spells them.
            *(self._call(call, f"/v1/{call[0]}", include_in_schema=False) for call in CALLS),
            self._batch("/v1/b", include_in_schema=False),
        ]

    def _call(self, call: str, path: str, **declared: Any) -> HotRoute:
        summary = f"Segment's {call} call"
        body = {"requestBody": {"content": {"application/json": {"example": contract.EXAMPLES[call]}}}}
        take = partial(self.take, call)
        return _route(path, declare_call, take, name=call, summary=summary, openapi_extra=body, **declared)

    def _batch(self, path: str, **declared: Any) -> HotRoute:
        summary = "Many calls in one request"
        return _route(path, declare_batch, self.take_batch, size="batch", summary=summary, **declared)

    async def take(self, call: str, body: bytes, caller: Caller) -> bytes:
        """Answer POST /v1/<call>."""
        try:
            raw = wire.read_object(body)
        except wire.UNREADABLE as error:
            raise wire.unreadable(error, body) from None
        wire.refuse_depth(body, raw)
        return await self.take_message(call, raw, body, caller)

    async def take_message(self, call: str, raw: dict[str, Any], body: bytes, caller: Caller) -> bytes:
        """Take a message in for a call, as it was read from a body (BadEvent: it was set aside)."""
        received_at = self._clock()
        raw["type"] = call
        try:
            event = normalise(raw, received_at=received_at, mapping=self._mapping(), was_json=True)
        except BadEvent as bad:
            await self._set_aside([self._reject(received_at, caller, call, bad, body)])
            raise
        await self._ingest([event], received_at)
        return _SUCCESS

    async def take_batch(self, body: bytes, caller: Caller) -> bytes:
        """Answer POST /v1/batch; what cannot be used is set aside and named, and the rest is kept."""
        received_at = self._clock()
        batch = _batch(body)
        if len(batch.batch) > self._max_batch_events:
            raise TooLarge(f"batch: at most {self._max_batch_events:,} events in one request.", field="batch")
        events, refused = await self._events(batch, received_at, self._said_of_all(batch))
        if refused:
            await self._set_aside(
                [self._reject(received_at, caller, f"batch[{i}]", bad, batch.batch[i]) for i, bad in refused]
            )
        if events:
            await self._ingest(events, received_at)
        if not refused:
            return _SUCCESS
        rejected = [wire.Rejected(index=i, field=bad.field, reason=bad.reason) for i, bad in refused]
        return wire.encode(wire.EventsAnswer(success=True, accepted=len(events), rejected=rejected))

    def _said_of_all(self, batch: wire.EventBatch) -> int:
        """Return the bytes that a batch says of all its events, which are kept with each (TooLarge, UnreadableBody)."""
        said = {"context": batch.context or {}, "integrations": batch.integrations or {}}
        for field, each in said.items():
            if deeper_than(each, DEEPEST):
                raise wire.too_deep(field)
        size = sum(wire.size_of(each) for each in said.values() if each)
        if (again := size * len(batch.batch)) > self._most_again:
            raise TooLarge(
                f"batch: its context and integrations, kept with each of its events, come to {again:,} bytes; "
                f"at most {self._most_again:,}. Send fewer events in one request.",
                field="batch",
            )
        return size

    async def _events(
        self, batch: wire.EventBatch, received_at: int, said_of_all: int
    ) -> tuple[list[Event], list[tuple[int, BadEvent]]]:
        """Return the events of a batch that can be used, and by their place what is wrong with the others."""
        events: list[Event] = []
        refused: list[tuple[int, BadEvent]] = []
        # The file may change while this goes on: one request is mapped in one way.
        mapping = self._mapping()
        raws: list[object] = [self._read(item, said_of_all) for item in batch.batch]
        shared = {"context": batch.context, "integrations": batch.integrations, "sentAt": batch.sent_at}
        for index, raw in enumerate(merge_batch({"batch": raws, **shared})):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            try:
                if isinstance(raw, BadEvent):
                    raise raw
                events.append(normalise(raw, received_at=received_at, mapping=mapping, was_json=True))
            except BadEvent as bad:
                refused.append((index, bad))
        return events, refused

    def _read(self, item: Raw, said_of_all: int) -> object:
        """Return one event of a batch, or why it cannot be read; what the batch says of all counts for its size."""
        text = bytes(item)
        if len(text) + said_of_all > self._max_event_bytes:
            alone = "is" if len(text) > self._max_event_bytes else "with what its batch says of all is"
            return BadEvent("", f"{alone} larger than {self._max_event_bytes:,} bytes", "too_large")
        try:
            raw = wire.read_any(text)
            wire.refuse_depth(text, raw)
        except wire.UNREADABLE:
            path, reason = find_misfit(text) or ("", "is not JSON of valid Unicode")
            return BadEvent(path, reason, "not_json")
        except ServingError:
            return BadEvent("", TOO_DEEP, "too_deep")
        return raw

    async def _ingest(self, events: Sequence[Event], received_at: int) -> None:
        ingested = await self._engine.ingest(events)
        self._metrics.event_to_decision_s.observe((self._clock() - received_at) / 1e6, ingested.accepted)
        self._metrics.took_in(ingested)

    async def set_aside(self, call: str, body: bytes, caller: Caller, bad: BadEvent) -> None:
        """Keep what came for a call and is no message at all, with what is wrong with it."""
        await self._set_aside([self._reject(self._clock(), caller, call, bad, body)])

    def _reject(self, received_at: int, caller: Caller, place: str, bad: BadEvent, body: bytes | Raw) -> Reject:
        """Return what is kept of an event that cannot be used: without its text where nobody can tell whose it is."""
        # A reason quotes what cannot be read.
        reason, kept = (bad.reason, _text(body)) if self._tracks_all else (bad.code, "")
        return Reject(received_at, caller.key.name, place, bad.field, reason, kept)

    async def _set_aside(self, rejects: Sequence[Reject]) -> None:
        self._metrics.events["rejected"] += len(rejects)
        await self._engine.set_aside(rejects)


def _route(
    path: str, endpoint: Callable[..., Any], answer: Callable[..., Awaitable[bytes]], **declared: Any
) -> HotRoute:
    return HotRoute(
        path,
        endpoint,
        answer=answer,
        needs=INGEST,
        key_in_body=True,
        cross_origin=True,
        tags=["events"],
        **declared,
    )


def _batch(body: bytes) -> wire.EventBatch:
    try:
        return wire.read_event_batch(body)
    except wire.UNREADABLE as error:
        if not isinstance(error, ValidationError):
            with suppress(ValueError, RecursionError):
                return wire.read_damaged_batch(body)
        raise wire.unreadable(error, body) from None


def _text(body: bytes | Raw) -> str:
    return bytes(body).decode(errors="replace")


async def declare_call(event: contract.SegmentEvent) -> contract.EventsAnswer:  # type: ignore[empty-body]
    """Take one event in. The answer comes once it is durable; the same `messageId` again changes nothing."""


async def declare_batch(batch: contract.EventBatch) -> contract.EventsAnswer:  # type: ignore[empty-body]
    """Take many events in, each with its `type`. Events that cannot be used are set aside and named in the answer."""
