"""Who gets the messages of the benchmark: webhook receivers and a mail server that note who got theirs and when."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(slots=True)
class Arrivals:
    """When each person's first message was there, in perf_counter seconds, and how many came again."""

    at: dict[str, float] = field(default_factory=dict)
    again: int = 0
    _awaited: set[str] = field(default_factory=set)
    _complete: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, user: str) -> None:
        """Take down that somebody's message is here."""
        if user in self.at:
            self.again += 1
            return
        self.at[user] = time.perf_counter()
        self._awaited.discard(user)
        if not self._awaited:
            self._complete.set()

    async def all_of(self, users: Sequence[str], *, within_s: float) -> None:
        """Return once all of these have their message, or after so many seconds."""
        self._awaited = set(users) - self.at.keys()
        self._complete.clear()
        if self._awaited:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._complete.wait(), within_s)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where receivers listen on this machine; at `dead` nobody does."""

    webhook: int
    mail: int
    dead: int
    slow: int


class _Mail:
    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        for address in envelope.rcpt_tos:
            self._arrivals.note(address.partition("@")[0])
        return "250 OK"


@asynccontextmanager
async def receiving(arrivals: Arrivals, *, held_s: float) -> AsyncIterator[Ports]:
    """Run a prompt webhook receiver, one that holds each request for `held_s` seconds, and a mail server."""

    async def take(request: web.Request) -> web.Response:
        arrivals.note(json.loads(await request.read())["data"]["user_id"])
        return web.Response(status=204)

    async def hold(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(held_s)
        return web.Response(status=204)

    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(_Mail(arrivals), hostname="mail.example"), "127.0.0.1", 0)
    runners = [await _web(each) for each in (take, hold)]
    with socket.socket() as dead:
        # Bound and never listened at: whoever connects is refused.
        dead.bind(("127.0.0.1", 0))
        try:
            webhook, slow = (int(each.addresses[0][1]) for each in runners)
            yield Ports(webhook, int(mail.sockets[0].getsockname()[1]), int(dead.getsockname()[1]), slow)
        finally:
            mail.close()
            for each in runners:
                await each.cleanup()


async def _web(take: Any) -> web.AppRunner:
    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner
