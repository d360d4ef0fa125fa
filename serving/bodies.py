"""Request bodies: read to their end, never past their limit, gunzipped without ever holding more than the limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from serving.errors import TooLarge, UnknownEncoding, UnreadableBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

_GZIP = 16 + zlib.MAX_WBITS
_FORGIVEN = 8 * 1024 * 1024
"""Bytes past the limit that are read and dropped, so that a client that only reads after writing gets its answer."""

_MOST_MEMBERS = 64
"""Thousands of empty members would cost seconds and unpack to nothing."""


class ClientGone(Exception):
    """The client hung up before its request was complete."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the body as it came; raises TooLarge beyond `limit` bytes and ClientGone."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise too_large(limit)
        return body
    return await _read_rest(receive, body, limit)


async def _read_rest(receive: Receive, first: bytes, limit: int) -> bytes:
    parts, size = [first], len(first)
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        else:
            parts.clear()
        last = not message.get("more_body", False)
        if size > limit and (last or size > limit + _FORGIVEN):
            raise too_large(limit)
        if last:
            return b"".join(parts)


def decoded(body: bytes, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """Return the body without its Content-Encoding; raises UnknownEncoding, UnreadableBody, TooLarge."""
    encoding = headers.get(b"content-encoding")
    if encoding is None or (name := encoding.strip().lower()) in (b"", b"identity"):
        return body
    if name not in (b"gzip", b"x-gzip"):
        raise UnknownEncoding(field="Content-Encoding")
    return gunzip(body, limit)


def gunzip(packed: bytes, limit: int) -> bytes:
    """Return what was packed, of one member or several; raises TooLarge as soon as it exceeds `limit` bytes."""
    parts: list[bytes] = []
    left = limit
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(packed, left + 1)
        except zlib.error:
            raise UnreadableBody("The body is not gzip, though its Content-Encoding says so.") from None
        if len(part) > left:
            raise too_large(limit)
        if not member.eof:
            raise UnreadableBody("The body's gzip ends too early.")
        parts.append(part)
        left -= len(part)
        packed = member.unused_data
        if not packed:
            return b"".join(parts)
    raise UnreadableBody(f"The body's gzip has more than {_MOST_MEMBERS} members.")


def too_large(limit: int) -> TooLarge:
    """Return what a body beyond its limit is refused with."""
    return TooLarge(f"The body is larger than {limit:,} bytes.", field="body")
