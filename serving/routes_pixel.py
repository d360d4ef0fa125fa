"""Events by picture, for mails and pages without a script; and the script that sends those of a shop's pages."""

from __future__ import annotations

import logging
from base64 import urlsafe_b64decode
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Query, Request
from starlette.responses import Response

from features.events import BadEvent
from serving import wire
from serving.address_text import misspelt_part
from serving.errors import KeyMissing, ScopeMissing, ServingError, TooManyRequests
from serving.keys import INGEST
from serving.pages import STATIC
from serving.pixel import PICTURED, picture
from serving.routes import GuardedRoute
from serving.routes_events import CALLS

if TYPE_CHECKING:
    from serving.callers import Caller, Keyring
    from serving.metrics import Metrics
    from serving.routes_events import EventRoutes

SCRIPT: Final = STATIC / "opportune.min.js"
_KEYS: Final = ("writeKey", "write_key", "key")
_SCRIPT_HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_PARAMETERS: Final = [
    {"name": name, "in": "query", "schema": {"type": "string"}, "description": meaning}
    for name, meaning in {
        "user_id": "Who; or else `anonymous_id`.",
        "event": "What they did.",
        "writeKey": "The API key.",
    }.items()
]
_log = logging.getLogger(__name__)
Data = Annotated[str | None, Query(description="The message as base64 of JSON; without it the parameters are one.")]


class PixelRoutes:
    """The routes, on those that take events in."""

    def __init__(self, events: EventRoutes, *, keyring: Keyring, metrics: Metrics, max_event_bytes: int) -> None:
        """Keep what answering needs; the key comes in the address or in the message, so it is asked here."""
        self._events = events
        self._keyring = keyring
        self._metrics = metrics
        self._max_event_bytes = max_event_bytes
        self._script = SCRIPT.read_bytes()

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        declared: dict[str, Any] = {"needs": None, "tags": ["events"], "response_class": Response}
        return [
            GuardedRoute("/v1/pixel/{method}", self.pixel, responses=PICTURED, **declared),
            GuardedRoute(
                "/track", self.track, openapi_extra={"parameters": _PARAMETERS}, responses=PICTURED, **declared
            ),
            GuardedRoute("/opportune.js", self.script, include_in_schema=False, **declared),
        ]

    async def pixel(self, method: str, request: Request, data: Data = None) -> Response:
        """Take one call of Segment's in; the answer is always 200 and a picture of one point, whatever became of it."""
        return await self._answer(method, request, data)

    async def track(self, request: Request) -> Response:
        """Take one event in whose fields are the parameters; the answer is always 200 and a picture of one point."""
        return await self._answer("track", request, None)

    async def script(self) -> Response:
        """Return the script for a shop's pages."""
        return Response(self._script, media_type="text/javascript; charset=utf-8", headers=_SCRIPT_HEADERS)

    async def _answer(self, method: str, request: Request, data: str | None) -> Response:
        if request.scope.get("opportune.method") != "HEAD":
            try:
                await self._take(method, request, data)
            except BadEvent:
                # Set aside already, with what is wrong with it.
                pass
            except ServingError as error:
                self._metrics.events["rejected"] += 1
                _log.debug("an event by picture was refused: %s", error.detail)
        return picture()

    async def _take(self, method: str, request: Request, data: str | None) -> None:
        fields = dict(request.query_params)
        key = next((fields[each] for each in _KEYS if fields.get(each)), None)
        body = _plain(fields) if data is None else _decoded(data)
        message = _read(body, self._max_event_bytes)
        if key is None and isinstance(message, dict):
            key = next((message[each] for each in _KEYS if isinstance(message.get(each), str)), None)
        caller = self._caller(request, key)
        if (part := misspelt_part(request.scope)) is not None:
            message = BadEvent(part, "is not valid UTF-8", "not_unicode")
        if method not in CALLS:
            message = BadEvent("method", f"must be one of {', '.join(CALLS)}", "unknown_call")
        if isinstance(message, BadEvent):
            await self._events.set_aside(f"pixel/{method}", body[: self._max_event_bytes], caller, message)
            raise message
        await self._events.take_message(method, message, body, caller)

    def _caller(self, request: Request, key: str | None) -> Caller:
        """Return whose key came along; raises what keeps them out."""
        now = monotonic()
        try:
            caller = self._keyring.caller(dict(request.headers.raw), now)
        except KeyMissing:
            if not key:
                raise
            caller = self._keyring.holder(key.encode("utf-8", "replace"))
        if caller.bucket is not None and not caller.bucket.take(now):
            raise TooManyRequests(retry_after_s=caller.bucket.retry_after_s())
        if INGEST not in caller.scopes:
            raise ScopeMissing
        return caller


def _plain(fields: dict[str, str]) -> bytes:
    """Return parameters as a message: what is not one of its fields is one of its properties."""
    return wire.encode({name: value for name, value in fields.items() if name not in _KEYS})


def _decoded(data: str) -> bytes:
    """Return what base64 of either alphabet says, with or without its padding; what is none as it came."""
    text = data.strip().replace(" ", "+").replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return data.encode("utf-8", "replace")


def _read(body: bytes, most_bytes: int) -> dict[str, Any] | BadEvent:
    """Return the message, or why it is none."""
    if len(body) > most_bytes:
        return BadEvent("data", f"is larger than {most_bytes:,} bytes", "too_large")
    try:
        message = wire.read_object(body)
        wire.refuse_depth(body, message)
    except wire.UNREADABLE:
        return BadEvent("data", "is not base64 of a JSON object", "not_json")
    except ServingError as error:
        return BadEvent("data", error.detail, error.code)
    return message
