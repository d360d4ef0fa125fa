"""Which web pages may send events from the browser: cross-origin resource sharing, for the routes that say so.

Fetch standard: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from serving.problem import Headers

EVERY_ORIGIN = "*"
_READABLE = (b"access-control-expose-headers", b"retry-after, ratelimit, ratelimit-policy")
_VARY = (b"vary", b"origin")
_PREFLIGHT = [
    (b"access-control-allow-methods", b"POST"),
    # The last one is how Segment's browser SDK counts its retries.
    (b"access-control-allow-headers", b"authorization, content-encoding, content-type, x-api-key, x-retry-count"),
    (b"access-control-max-age", b"86400"),
]


class Origins:
    """The origins whose pages may send events; cookies and the like are never asked for."""

    def __init__(self, allowed: Sequence[str]) -> None:
        """`allowed` are origins such as https://shop.example, or `*` for all of them."""
        self._every = EVERY_ORIGIN in allowed
        self._allowed = frozenset(each.encode() for each in allowed)

    def grant(self, origin: bytes) -> Headers:
        """Return the header fields that let a page of this origin read an answer; none where it may not."""
        if self._every:
            return [(b"access-control-allow-origin", b"*"), _READABLE]
        if origin in self._allowed:
            return [(b"access-control-allow-origin", origin), _VARY, _READABLE]
        return []

    def preflight(self, headers: Mapping[bytes, bytes]) -> Headers:
        """Return the header fields that let a page send what it asks about; none where it may not, or asks nothing."""
        granted = self.grant(headers.get(b"origin", b"")) if b"access-control-request-method" in headers else []
        return [*granted, *_PREFLIGHT] if granted else []
