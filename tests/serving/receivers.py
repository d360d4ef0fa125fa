"""A webhook receiver on a loopback port: keeps what it gets, and answers what it is told to."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """What came in, and what to answer: a list of (status, headers), the last of which stays."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])
    url: str = ""
    bodies: list[dict] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)
    delay_s: float = 0.0
    on_request: Callable[[], None] = lambda: None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def number(self, count: int) -> None:
        """Wait until that many messages have come in."""
        async with asyncio.timeout(20):
            while len(self.ids) < count:
                self.came.clear()
                await self.came.wait()

    async def take(self, request: web.Request) -> web.Response:
        """Verify the signature as a receiver would, with the specification's own library."""
        body = await request.read()
        self.bodies.append(Webhook(SECRET).verify(body, dict(request.headers)))
        self.ids.append(request.headers["webhook-id"])
        self.came_at.append(time.monotonic())
        self.came.set()
        self.on_request()
        await self.gate.wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=headers)


@asynccontextmanager
async def receiving(*answers: int | tuple[int, dict[str, str]]):
    """Run a receiver that gives these answers one after the other."""
    receiver = Receiver()
    if answers:
        receiver.answers = [each if isinstance(each, tuple) else (each, {}) for each in answers]
    receiver.gate.set()
    async with listening(receiver.take) as address:
        receiver.url = f"{address}/hook"
        yield receiver


@asynccontextmanager
async def listening(take):
    """Give every POST to `take`; yield the address without a path."""
    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def free_port():
    """Return a port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]
