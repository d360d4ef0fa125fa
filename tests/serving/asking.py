"""Ask an ASGI application in the same process, and put the real edge around a made-up engine."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml

from features.catalog import CATALOGUE
from features.kinds import Kind
from features.mapping import EventMapping
from serving.api import Limits, http_edge
from serving.erasure_files import Files
from serving.items import Answer, Ingested, ModelUsed, Score
from serving.keys import create_key
from serving.metrics import Metrics
from tests.conftest import ROOT

MAPPING = EventMapping(yaml.safe_load((ROOT / "features" / "events.yaml").read_text(encoding="utf-8")))
ALL = frozenset({"ingest", "score", "admin"})
# Whoever sends webhooks proves it in a way of their own, a link of a message by what is sealed in it; pictures are
# always answered.
WITHOUT_A_KEY = ("/v1/hooks/", "/u/", "/o/", "/c/", "/v1/pixel/", "/track")


@dataclass
class Replied:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Notebook:
    """An engine that writes down what it is asked, and answers the same to everybody, or with a failure."""

    asked: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    events: list = field(default_factory=list)
    rejects: list = field(default_factory=list)
    failure: Exception | None = None

    async def score(self, users, *, event=None, at=None, explain=False, keep=True):
        self.asked.append((list(users), event, at, explain))
        self.kept.append(keep)
        if self.failure:
            raise self.failure
        features = np.full(CATALOGUE.n_features, np.nan)
        scores = [Score(known=user[0] != "stranger", intent={"24h": 0.25}, features=features) for user in users]
        return Answer(1_700_000_000_000_001, {"24h": ModelUsed("opportune-intent-24h", "1", True)}, "p1", scores)

    async def ingest(self, events):
        if self.failure:
            raise self.failure
        self.events.extend(events)
        return Ingested(len(events), 0, unknown=sum(each.kind is Kind.OTHER for each in events))

    async def set_aside(self, rejects):
        self.rejects.extend(rejects)


class Site:
    """The HTTP interface on a notebook, with a key for each set of scopes asked for."""

    def __init__(
        self,
        database,
        *,
        limits=None,
        open_without_keys=False,
        missing=(),
        replay=False,
        cors_origins=(),
        learned=lambda: None,
    ):
        self.database = database
        self.engine = Notebook()
        self.metrics = Metrics()
        self.edge = http_edge(
            self.engine,
            database=database,
            mapping=lambda: MAPPING,
            metrics=self.metrics,
            missing=lambda: missing,
            learned=learned,
            files=Files(Path(database.url.database).parent, []),
            limits=limits or Limits(),
            open_without_keys=open_without_keys,
            replay=replay,
            cors_origins=cors_origins,
        )

    def ask(self, method, path, body=b"", *, key=None, headers=None, chunks=None):
        """Send a request and return the reply; a `body` that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return asyncio.run(reply(self.edge, method, path, sent, chunks or [body]))


@pytest.fixture
def site(database):
    """The HTTP interface on a notebook, open to everybody; `database` is `tests.serving.databases`'."""
    return Site(database, open_without_keys=True)


def site_with_keys(database, **settings):
    """Return a site and a key for each scope: `all`, `ingest`, `score`, `admin`."""
    with database.begin() as connection:
        keys = {scope: create_key(connection, scope, frozenset({scope}), created_at=1) for scope in ALL}
        keys["all"] = create_key(connection, "all", ALL, created_at=1)
    return Site(database, **settings), keys


def edge_of(shop, **settings):
    """Return the HTTP interface on a shop's engine, open to everybody."""
    return http_edge(
        shop.engine,
        database=shop.database,
        mapping=lambda: MAPPING,
        metrics=Metrics(),
        missing=tuple,
        files=Files(shop.home, []),
        limits=Limits(),
        open_without_keys=True,
        **settings,
    )


async def reply(app, method, path, headers, chunks):
    """Return what the application answers to a request whose body comes in chunks."""
    path, _, query = path.partition("?")
    size = sum(map(len, chunks))
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    lines += [(b"content-length", str(size).encode())] if size else []
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": lines}
    scope |= {
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
    }
    parts = [{"type": "http.request", "body": each, "more_body": i + 1 < len(chunks)} for i, each in enumerate(chunks)]
    sent = []

    async def receive():
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return None
    start, *bodies = sent
    assert start["type"] == "http.response.start"
    assert all(each["type"] == "http.response.body" for each in bodies)
    body = b"".join(each.get("body", b"") for each in bodies)
    return Replied(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body)
