"""One keep-alive HTTP/1.1 connection of the load generator: as little work a response as possible."""

import asyncio
from typing import Protocol


class EndlessAnswerError(Exception):
    """The answer has no Content-Length, so its end cannot be known."""


class Listener(Protocol):
    """Who is told what became of a request."""

    def answered(self, connection: "Connection", status: bytes) -> None:
        """A whole response arrived; the connection is free again."""

    def lost(self, connection: "Connection") -> None:
        """The connection is gone; a request in flight will never be answered."""


def response_length(data: bytes) -> int | None:
    """Return the length of the first response in `data` with its head, or None while the head is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise EndlessAnswerError(head.decode("latin-1"))
    stop = head.find(b"\r\n", at + 2)
    return end + 4 + int(head[at + 17 : stop if stop > 0 else end])


class Connection(asyncio.Protocol):
    """A connection with at most one request in flight; `since` is the moment its latency counts from."""

    __slots__ = ("_buffer", "_listener", "_transport", "busy", "since")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.busy = False
        self.since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, *, since: float) -> None:
        """Send one whole request whose latency counts from `since` (perf_counter seconds)."""
        assert self._transport is not None
        self.busy = True
        self.since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect bytes until the response is whole, then tell the listener its status."""
        if self._buffer:
            data = self._buffer + data
        length = response_length(data)
        if length is None or len(data) < length:
            self._buffer = data
            return
        self._buffer = b""
        self.busy = False
        self._listener.answered(self, data[9:12])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Tell the listener."""
        self._listener.lost(self)

    def close(self) -> None:
        """Close without waiting."""
        if self._transport is not None:
            self._transport.abort()
