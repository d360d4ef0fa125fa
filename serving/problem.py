"""Errors as the caller reads them: RFC 9457 problem details, and the only place that knows HTTP status codes.

`code` and `message` stand beside the members of the RFC: Segment's SDKs retry an error that lacks them.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from features.events import BadEvent
from features.paths import written
from policy.problems import plain
from serving import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Headers = list[tuple[bytes, bytes]]

STATUS: dict[type[Exception], HTTPStatus] = {
    BadEvent: HTTPStatus.BAD_REQUEST,
    errors.InvalidField: HTTPStatus.BAD_REQUEST,
    errors.UnreadableBody: HTTPStatus.BAD_REQUEST,
    errors.KeyMissing: HTTPStatus.UNAUTHORIZED,
    errors.KeyUnknown: HTTPStatus.UNAUTHORIZED,
    errors.SignatureRefused: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.HostRefused: HTTPStatus.FORBIDDEN,
    errors.NoSuchRoute: HTTPStatus.NOT_FOUND,
    errors.NoSuchUser: HTTPStatus.NOT_FOUND,
    errors.NoSuchMessage: HTTPStatus.NOT_FOUND,
    errors.NoSuchSegment: HTTPStatus.NOT_FOUND,
    errors.NoSuchProduct: HTTPStatus.NOT_FOUND,
    errors.MethodRefused: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.PolicyFileRefused: HTTPStatus.CONFLICT,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnknownEncoding: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WrittenElsewhere: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotWritable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseGone: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
}
OK = 200
NO_CONTENT = 204
NOT_READY = 503
_RETRY_AFTER_S = 1.0
_CHALLENGE = b'Bearer realm="opportune", Basic realm="opportune"'


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of every answer that is not a success; `field` only where one field is at fault."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str
    field: str | None = None

    def __post_init__(self) -> None:
        # A caller's own text may come back in `detail`: enough to recognise it, never the whole of it.
        self.detail = self.message = self.detail[:500]


_encode = msgspec.json.Encoder().encode


def problem(error: Exception, path: str) -> tuple[int, Headers, bytes]:
    """Return status, headers and body of the answer to a request at `path` that met `error`."""
    status = status_of(error)
    detail, code, field = _words(error)
    body = _encode(
        Problem(
            type="about:blank",
            title=status.phrase,
            status=status.value,
            detail=detail,
            instance=path,
            code=code,
            message=detail,
            field=field,
        ),
    )
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    return status.value, headers + _extra_headers(error), body


def status_of(error: Exception) -> HTTPStatus:
    """Return the status of an error; one that nobody foresaw is 500."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    if isinstance(error, RequestValidationError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, HTTPException):
        return HTTPStatus(error.status_code)
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _words(error: Exception) -> tuple[str, str, str | None]:
    """Return what to tell of an error: detail, code, field."""
    if isinstance(error, errors.ServingError):
        return error.detail, error.code, error.field
    if isinstance(error, BadEvent):
        return str(error), error.code, error.field or None
    if isinstance(error, RequestValidationError):
        return _first_complaint(error.errors(), error.body)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        # What FastAPI refuses as a bad request is a body that it cannot read at all.
        code = errors.UnreadableBody.code if status is HTTPStatus.BAD_REQUEST else status.name.lower()
        return str(error.detail), code, None
    # What broke inside is for the log, not for whoever is outside.
    return "The server failed on this request; its log says why.", errors.ServingError.code, None


def _first_complaint(complaints: Sequence[Mapping[str, Any]], body: object) -> tuple[str, str, str | None]:
    """Put pydantic's first complaint in words; the first part of `loc` is where the value came from, not its name."""
    complaint = complaints[0]
    place = complaint["loc"]
    if place[0] == "body" and complaint["type"] not in ("json_invalid", "missing"):
        place = ("body", *_within(body, place[1:]))
    if complaint["type"] == "json_invalid":
        said = f"{complaint['ctx']['error']} (character {place[-1]})"
        return f"The body is not JSON: {said}", errors.UnreadableBody.code, None
    field = written(place[1:]) or "body"
    return f"{field}: {plain(complaint['msg'])}", errors.InvalidField.code, field


def _within(body: object, place: Sequence[str | int]) -> list[str | int]:
    """Return as much of a place as there is in what was sent; pydantic adds names of its own, such as `[key]`."""
    found: list[str | int] = []
    for step in place:
        try:
            body = body[step]  # type: ignore[index]
        except (LookupError, TypeError):
            break
        found.append(step)
    return found


def _extra_headers(error: Exception) -> Headers:
    status = status_of(error)
    if status is HTTPStatus.UNAUTHORIZED:
        return [(b"www-authenticate", _CHALLENGE)]
    if isinstance(error, errors.MethodRefused):
        return [(b"allow", ", ".join(error.allowed).encode())]
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        wait_s = getattr(error, "retry_after_s", None) or _RETRY_AFTER_S
        return [(b"retry-after", b"%d" % max(1, math.ceil(wait_s)))]
    return []


def handle_errors(app: FastAPI) -> None:
    """Have FastAPI answer errors like the edge does."""

    async def answer(request: Request, error: Exception) -> Response:
        status, headers, body = problem(error, request.url.path)
        return Response(body, status, {name.decode(): value.decode() for name, value in headers})

    for kind in (*STATUS, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)
