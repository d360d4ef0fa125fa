"""HTTP/1.1, also for clients that would rather speak HTTP/2, and not for those that never end their request."""

import re
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BEGINNING = re.compile(rb"[A-Z]+ \S+ HTTP/1\.1\r\n")
_OFFER = re.compile(rb"\r\n(?:upgrade|http2-settings):[^\r\n]*", re.IGNORECASE)
_FAR_ENOUGH = 4096
WHOLE_WITHIN_S = 60.0
"""From the first byte of a request to its last."""


class Http1(HttpToolsProtocol):
    """uvicorn's protocol, but for two things.

    It drops the body of a request with `Upgrade: h2c`, as Java's client sends on its own: here the offer is declined
    and the request answered. And it waits for ever for the rest of a request: here the connection is cut.
    """

    _is_amid = False
    _patience: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        if data.find(b"h2c", 0, _FAR_ENOUGH) >= 0 and _BEGINNING.match(data):
            head, blank, body = data.partition(b"\r\n\r\n")
            data = _OFFER.sub(b"", head) + blank + body
        super().data_received(data)
        if self._is_amid and self._patience is None:
            self._patience = self.loop.call_later(WHOLE_WITHIN_S, self.transport.abort)
        elif self._patience is not None and not self._is_amid:
            self._calm()

    def on_message_begin(self) -> None:
        """Hear that a request begins."""
        self._is_amid = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Hear that all of it is there."""
        self._is_amid = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._calm()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
