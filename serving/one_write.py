"""An answer in one write: its head waits for its body, which comes a moment later."""

from asyncio import AbstractEventLoop, Transport
from typing import Any


class OneWrite:
    """A transport that gives what is written twice within one turn of the loop to the system at once.

    uvicorn writes the head of an answer and its body by themselves, and uvloop hands both on as they come: two calls of
    the system, two packets, and a client that is woken twice. What is written alone goes out when the turn ends.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        """Write to `transport`."""
        self._transport = transport
        self._loop = loop
        self._held = b""
        # Asked at every request: by name, not by way of `__getattr__`.
        self._write = transport.write
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        """Be the transport in everything else."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write it together with what was written just before, or with what will be just after."""
        if self._held:
            self._held += data
            self._let_go()
        elif data:
            self._held = data
            self._loop.call_soon(self._let_go)

    def close(self) -> None:
        """Write what is held, and close."""
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._write(held)
