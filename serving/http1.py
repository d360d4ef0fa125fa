"""HTTP/1.1, also for clients that would rather speak HTTP/2, and not for those that never end their request."""

import re
from asyncio import TimerHandle, Transport
from collections.abc import Mapping
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.one_write import OneWrite

_BEGINNING = re.compile(rb"[A-Z]+ \S+ HTTP/1\.1\r\n")
_OFFER = re.compile(rb"\r\n(?:upgrade|http2-settings):[^\r\n]*", re.IGNORECASE)
_FAR_ENOUGH = 4096
WHOLE_WITHIN_S = 60.0
"""From the first byte of a request to its last; from when somebody connects to the last of the first."""
MOST_HEAD = 65_536
"""How many bytes of method, address and headers may come after those that came first."""
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: application/problem+json\r\n"
    b"content-length: %d\r\n\r\n%s"
)
_PROBLEM = (
    b'{"type":"about:blank","title":"Request Header Fields Too Large","status":431,"code":"head_too_large",'
    b'"message":"The headers of a request, and its address, may have 65,536 bytes."}'
)


class Http1(HttpToolsProtocol):
    """uvicorn's protocol, but for four things.

    It drops the body of a request with `Upgrade: h2c`, as Java's client sends on its own: here the offer is declined
    and the request answered. It waits for ever for a request, or the rest of one: here the connection is cut. It
    keeps headers of any length, copied anew with whatever comes: here they are refused. And it writes an answer in two
    pieces: here in one.
    """

    _is_amid = False
    _head = 0
    _patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(cast("Transport", OneWrite(transport, self.loop)))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        if data.find(b"h2c", 0, _FAR_ENOUGH) >= 0 and _BEGINNING.match(data):
            head, blank, body = data.partition(b"\r\n\r\n")
            data = _OFFER.sub(b"", head) + blank + body
        if self._is_amid and self._is_too_long(data):
            self.transport.write(_TOO_LARGE % (len(_PROBLEM), _PROBLEM))
            self.transport.close()
            return
        super().data_received(data)
        if self._is_amid and self._patience is None:
            self._wait()
        elif self._patience is not None and not self._is_amid:
            self._calm()

    def on_message_begin(self) -> None:
        """Hear that a request begins."""
        self._is_amid = True
        self._head = 0
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Hear that all of it is there."""
        self._is_amid = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._calm()
        super().connection_lost(exc)

    def _is_too_long(self, data: bytes) -> bool:
        """Count what comes before the end of the headers, with which the scope learns of the method."""
        known: Mapping[str, object] = self.scope
        if "method" not in known:
            self._head += len(data)
        return self._head > MOST_HEAD

    def _wait(self) -> None:
        self._patience = self.loop.call_later(WHOLE_WITHIN_S, self.transport.abort)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
