"""A real server on a free loopback port: the real application, run by uvicorn in a thread of the test."""

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import uvicorn

from serving.app import create_app
from serving.database import open_database
from serving.http1 import Http1
from serving.keys import SCOPES, create_key
from serving.settings import Settings

STARTED_WITHIN_S = 60


@dataclass
class Running:
    """Where a server listens, and the keys made for it."""

    port: int
    home: object
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, body=b"", *, key=None, **headers):
        """Send one request on a connection of its own; a body that is not bytes goes as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body).encode(), sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return SimpleNamespace(status=answer.status, headers=found, body=content, json=lambda: json.loads(content))


@contextmanager
def opened(home):
    """Open the database of a home, beside the server if one runs."""
    database = open_database(home / "opportune.db")
    try:
        yield database
    finally:
        database.dispose()


def a_key(home, *scopes):
    """Make a key to a home for these scopes, for all where none is named."""
    with opened(home) as database, database.begin() as connection:
        return create_key(connection, "all", frozenset(scopes) or SCOPES, created_at=1)


@contextmanager
def running(home, **settings):
    """Run a server on this home until the block is left."""
    app = create_app(Settings(home=home, watch_registry=False, health_every_min=0, **settings))
    config = uvicorn.Config(app, port=0, http=Http1, ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise TimeoutError("the server did not start")
        time.sleep(0.01)
    try:
        yield Running(server.servers[0].sockets[0].getsockname()[1], home)
    finally:
        server.should_exit = True
        thread.join()
