"""A real server, and dispatchers beside it, in processes of their own on one database."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.conftest import ROOT
from tests.preloaded.python import PYTHON
from tests.serving.receivers import SECRET, free_port

STARTED_WITHIN_S = 120
DISPATCHER = """
import asyncio, sys
from pathlib import Path
from policy.source import load
from serving.clock import wall
from serving.database import open_database
from serving.dispatcher import Dispatcher
from serving.endpoints import webhook
from serving.recheck import asking
from tests.serving.databases import OwnTransactions

home, triggers, url, secret = sys.argv[1:]
policy = load(Path(triggers))
database = open_database(Path(home) / "opportune.db")
dispatcher = Dispatcher(
    OwnTransactions(database),
    {"default": webhook("default", url, secret)},
    wall=wall,
    look_every_s=0.02,
    concurrency=8,
    ask=asking(lambda: policy, wall),
)
print("ready", flush=True)
asyncio.run(dispatcher.run())
"""


@dataclass
class Server:
    """A server that listens, and whoever asks it."""

    home: Path
    port: int
    session: aiohttp.ClientSession
    process: asyncio.subprocess.Process

    async def ask(self, method, path, body=None):
        """Return status and JSON of an answer."""
        async with self.session.request(method, f"http://127.0.0.1:{self.port}{path}", json=body) as answer:
            return answer.status, await answer.json()

    async def score(self, user, name, message_id, *, anonymous=None, **properties):
        """Send an event that asks for a score; return the answer's JSON."""
        ids = {"userId": user} if user else {"anonymousId": anonymous}
        raw = {"type": "track", "event": name, "messageId": message_id, "properties": properties, **ids}
        status, said = await self.ask("POST", "/v1/score", {"event": raw})
        assert status == 200, said
        return said


@asynccontextmanager
async def serving(home, policy, url, *, dispatchers=0, python=PYTHON, **more):
    """Run a server with this policy, which sends to `url`, and so many dispatchers beside it; `more` are settings.

    Whoever kills it or looks at its children says `sys.executable`: then the process is the one that serves.
    """
    triggers = home / "triggers.yaml"
    triggers.write_text(policy)
    port = free_port()
    settings = {
        "HOME": str(home),
        "PORT": str(port),
        "TRIGGERS": str(triggers),
        "WEBHOOK_URL": url,
        "WEBHOOK_SECRET": SECRET,
        "WATCH_REGISTRY": "false",
        "HEALTH_EVERY_MIN": "0",
        "LOG_LEVEL": "warning",
        **more,
    }
    environment = os.environ | {f"OPPORTUNE_{name}": value for name, value in settings.items()}
    children = [await _start(python, "-m", "serving", environment=environment)]
    try:
        await _listens(port, children[0])
        for _ in range(dispatchers):
            command = [sys.executable, "-c", DISPATCHER, str(home), str(triggers), url, SECRET]
            child = await _start(*command, environment=environment)
            children.append(child)
            assert await asyncio.wait_for(child.stdout.readline(), STARTED_WITHIN_S) == b"ready\n"
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Server(home, port, session, children[0])
    finally:
        for child in reversed(children):
            if child.returncode is None:
                child.terminate()
        for child in children:
            await asyncio.wait_for(child.communicate(), STARTED_WITHIN_S)


async def _start(*command, environment):
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE)


async def _listens(port, child):
    async with asyncio.timeout(STARTED_WITHIN_S):
        while True:
            assert child.returncode is None, "the server ended"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
