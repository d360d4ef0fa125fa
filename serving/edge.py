"""The edge around everything: which route, who calls, may they, how often, how large; errors become problem details.

One plain ASGI callable. A hot route's path is found in a dictionary and answered here; every other declared route goes
on to FastAPI, with its body already read and within its limit. What is not declared with a scope is not reachable.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from fastapi import FastAPI

from serving.address_text import misspelt_part
from serving.bodies import ClientGone, decoded, read_body
from serving.cors import Origins
from serving.errors import InvalidField, KeyMissing, MethodRefused, NoSuchRoute, ScopeMissing, TooManyRequests
from serving.limits import Allowance
from serving.problem import NO_CONTENT, OK, Headers, problem
from serving.route_table import Entry, RouteTable, Sizes
from serving.wire import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serving.callers import Caller, Keyring
    from serving.metrics import Metrics

_log = logging.getLogger(__name__)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_JSON = (b"content-type", b"application/json")
_LENGTHS = [(b"content-length", b"%d" % length) for length in range(4096)]


class Edge:
    """The ASGI application that a server runs."""

    def __init__(
        self,
        app: FastAPI,
        *,
        keyring: Keyring,
        metrics: Metrics,
        sizes: Sizes,
        allowance: Allowance,
        origins: Origins,
    ) -> None:
        """Put the edge around an application all of whose routes are declared by now.

        Raises:
            ValueError: A route of the application does not say which scope it needs.
        """
        self.app = app
        self._inner: ASGIApp = app
        self._keyring = keyring
        self._origins = origins
        self._policy = (b"ratelimit-policy", allowance.policy)
        self._table = RouteTable(app, metrics, sizes)
        self._exact = self._table.exact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes a problem, and is counted."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = monotonic()
        path = scope["path"]
        entry = self._exact.get(path) or self._table.find(path, scope["method"])
        outgoing: Headers = []
        try:
            if entry.answer is None:
                status = await self._answer_cold(entry, scope, receive, send, outgoing, started)
            else:
                status = await self._answer_hot(entry, scope, receive, send, outgoing, started)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the caller gets an answer and the log the rest)
            status = await _refuse(error, path, send, outgoing)
        entry.counts.answered(status, monotonic() - started)

    async def _answer_hot(
        self,
        entry: Entry,
        scope: Scope,
        receive: Receive,
        send: Send,
        outgoing: Headers,
        now: float,
    ) -> int:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if entry.cross_origin and b"origin" in headers:
            outgoing += self._origins.grant(headers[b"origin"])
        if scope["method"] not in entry.methods:
            return await self._answer_preflight(entry, scope, headers, send)
        body, caller = await self._admit(entry, headers, receive, outgoing, now)
        answer = await entry.answer(body, caller)  # type: ignore[misc]
        length = len(answer)
        outgoing.append(_JSON)
        outgoing.append(_LENGTHS[length] if length < len(_LENGTHS) else (b"content-length", b"%d" % length))
        await send({"type": "http.response.start", "status": OK, "headers": outgoing})
        await send({"type": "http.response.body", "body": answer})
        return OK

    async def _answer_preflight(self, entry: Entry, scope: Scope, headers: Mapping[bytes, bytes], send: Send) -> int:
        """Tell a browser that its page may send events here, or raise MethodRefused."""
        asks = scope["method"] == "OPTIONS" and entry.cross_origin
        granted = self._origins.preflight(headers) if asks else []
        if not granted:
            raise MethodRefused(entry.methods)
        await send({"type": "http.response.start", "status": NO_CONTENT, "headers": granted})
        await send({"type": "http.response.body", "body": b""})
        return NO_CONTENT

    async def _admit(
        self,
        entry: Entry,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        outgoing: Headers,
        now: float,
    ) -> tuple[bytes, Caller]:
        """Return body and caller, or raise what keeps them out; the key is asked first, wherever it can be."""
        try:
            caller = self._keyring.caller(headers, now)
        except KeyMissing:
            if not entry.key_in_body:
                raise
            body = decoded(await read_body(receive, entry.limit), headers, entry.limit)
            return body, self._allow(entry, self._keyring.holder(_key_in_body(body)), outgoing, now)
        self._allow(entry, caller, outgoing, now)
        return decoded(await read_body(receive, entry.limit), headers, entry.limit), caller

    def _allow(self, entry: Entry, caller: Caller, outgoing: Headers, now: float) -> Caller:
        bucket = caller.bucket
        if bucket is not None:
            taken = bucket.take(now)
            outgoing.append(self._policy)
            outgoing.append((b"ratelimit", bucket.state()))
            if not taken:
                raise TooManyRequests(retry_after_s=bucket.retry_after_s())
        if entry.needs not in caller.scopes:
            raise ScopeMissing(f"This address needs a key of scope {entry.needs}.")
        return caller

    async def _answer_cold(
        self,
        entry: Entry,
        scope: Scope,
        receive: Receive,
        send: Send,
        outgoing: Headers,
        now: float,
    ) -> int:
        if entry is self._table.nowhere:
            raise NoSuchRoute
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if scope["method"] == "HEAD" and "GET" in entry.methods and "HEAD" not in entry.methods:
            # The server drops the body of an answer to HEAD by itself.
            scope = {**scope, "method": "GET", "opportune.method": "HEAD"}
        if scope["method"] not in entry.methods:
            raise MethodRefused(entry.methods)
        if entry.needs is None:
            body = decoded(await read_body(receive, entry.limit), headers, entry.limit) if _has_body(headers) else b""
            caller = None
        elif _has_body(headers):
            body, caller = await self._admit(entry, headers, receive, outgoing, now)
        else:
            body, caller = b"", self._allow(entry, self._keyring.caller(headers, now), outgoing, now)
        if body and scope["method"] not in _WITH_BODY:
            raise InvalidField("body: this address takes none.", field="body")
        if entry.needs is not None and (part := misspelt_part(scope)) is not None:
            raise InvalidField(f"{part}: is not valid UTF-8.", field=part)
        return await self._forward(scope, send, outgoing, body, caller)

    async def _forward(self, scope: Scope, send: Send, outgoing: Headers, body: bytes, caller: Caller | None) -> int:
        """Let FastAPI answer a request whose body is known; returns the status it answered with."""
        status = None
        dropped = (b"content-encoding", b"content-length", b"content-type", b"transfer-encoding")
        headers = [header for header in scope["headers"] if header[0] not in dropped]
        # Like the hot routes these read JSON, whatever the request calls it.
        headers += [(b"content-length", b"%d" % len(body)), _JSON]

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def relay(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *outgoing]
            await send(message)

        known = {"headers": headers, "opportune.body": body, "opportune.caller": caller}
        try:
            await self._inner({**scope, **known}, replay, relay)
        except Exception:
            # FastAPI answers before it lets an unforeseen error through.
            if status is None:
                raise
            _log.exception("a request to %s failed", scope["path"])
        return status or OK


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _key_in_body(body: bytes) -> bytes:
    key = key_of(body)
    if not key:
        raise KeyMissing
    # Half a character is in no key that was ever made.
    return key.encode(errors="replace")


async def _refuse(error: Exception, path: str, send: Send, outgoing: Headers) -> int:
    status, headers, body = problem(error, path)
    if status >= 500 and not hasattr(error, "code"):
        _log.error("a request to %s failed", path, exc_info=error)
    await send({"type": "http.response.start", "status": status, "headers": headers + outgoing})
    await send({"type": "http.response.body", "body": body})
    return status
