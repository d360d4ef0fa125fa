"""An engine on a real database and a real online store, on a clock the test moves."""

import asyncio
import json
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.normalise import normalise
from policy.source import parse
from policy.timing import timing
from serving.clock import ReplayClock, Ticks
from serving.database import open_database
from serving.engine import Engine
from serving.log import last_moment
from serving.mapping_file import read_mapping
from serving.metrics import Metrics
from serving.online import OnlineStates
from serving.scorer import scorer
from serving.states import StateKeeper
from serving.work import Tools

START = 1_700_000_000_000_000
SECOND = 1_000_000
MAPPING = read_mapping()
MEANINGS = MappingProxyType(dict(zip(CATALOGUE.names, CATALOGUE.meanings, strict=True)))
POLICY = """
format: 1
triggers:
  - name: warm-cart
    on: Product Added
    horizon: 24h
    threshold: 25%
    cool_down: 1d
    hold_out: {share: 0.5, salt: test}
    mode: live
"""


@dataclass(frozen=True)
class Certain:
    """A model that always says the same."""

    probability: float
    name: str = "certain"
    version: str = "1"
    calibrated: bool = False

    def predict(self, rows):
        return np.full(len(rows), self.probability)

    def contributions(self, row):
        return [("orders", float(row[CATALOGUE.names.index("orders")]), 1.0)]


@dataclass
class Shop:
    """An engine, and what a test does with it."""

    home: Path
    policy: str = POLICY
    probability: float = 0.3
    tracking: str | None = None
    woken: list[bool] = field(default_factory=list)
    clock_from = ReplayClock

    def __post_init__(self):
        self.database = open_database(self.home / "opportune.db")
        with self.database.connect() as connection:
            last = last_moment(connection) or START
        self.clock = self.clock_from(last)
        self.online = OnlineStates(self.home)
        self.keeper = StateKeeper(self.online)
        self.tools = tools = Tools(
            keeper=self.keeper,
            scorer=scorer({"24h": Certain(self.probability)}, MEANINGS),
            policy=(policy := parse(self.policy)),
            timing=timing(policy),
            clock=self.clock,
            ticks=Ticks(self.clock, last),
            score_sample=1.0,
            tracking=self.tracking,
            nearest=MAPPING.nearest,
        )
        self.engine = Engine(self.database, tools, Metrics(), on_messages=lambda: self.woken.append(True))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query, values)]

    async def stored(self, keys):
        """Return what the online store holds once it was given everything."""
        await self.engine.flush()
        return self.online.read(keys)

    async def until(self, seconds):
        """Let the clock of the replay reach a moment, `seconds` after START."""
        await self.engine.score([("nobody", None)], at=START + round(seconds * SECOND))

    def close(self):
        self.engine.close()
        self.online.close()
        self.database.dispose()


class HandClock:
    """A clock like the wall's, which no event moves; the test does."""

    replay = False

    def __init__(self, start: int):
        self.moment = start

    def now(self):
        return self.moment

    def accept(self, moment: int):
        """Stay as it is."""


class Live(Shop):
    """A shop in which time passes by itself, or here by hand."""

    clock_from = HandClock

    async def hear(self, at, sent, user="u", *, said=None, **fields):
        """Take in an event at so many seconds after START whose sender says that it is `said`."""
        self.clock.moment = START + round(at * SECOND)
        raw = {"type": "track", "event": sent, "userId": user, "messageId": f"{sent} {user} {at}", **fields}
        raw["timestamp"] = (START + round((at if said is None else said) * SECOND)) / SECOND
        await self.engine.ingest([normalise(raw, received_at=self.clock.moment, mapping=MAPPING)])

    async def until(self, seconds):
        """Let everything happen that is due until a moment, `seconds` after START."""
        self.clock.moment = START + round(seconds * SECOND)
        self.engine.start()
        while (self.tools.next_due or self.clock.moment + 1) <= self.clock.moment:
            await asyncio.sleep(0.001)
        await self.engine.flush()


def event(name: str, user: str | None = None, at: float = 0.0, **fields: Any):
    """An event `at` seconds after START."""
    ids = {"userId": user} if user else {}
    raw = {
        "type": "track",
        "event": name,
        "messageId": f"{name} {user} {at} {json.dumps(fields)}"[:100],
        **ids,
        **fields,
    }
    raw["timestamp"] = (START + round(at * SECOND)) / SECOND
    return normalise(raw, received_at=START + round(at * SECOND), mapping=MAPPING)


async def one_by_one(shop, *events):
    """Each event in a request of its own, one after the other."""
    for each in events:
        await shop.engine.ingest([each])


async def at_once(shop, *events):
    """Each event in a request of its own, all of them in one batch."""
    await asyncio.gather(*(shop.engine.ingest([each]) for each in events))


WAYS = pytest.mark.parametrize("arrive", [one_by_one, at_once], ids=["one by one", "in one batch"])


@pytest.fixture
def shops(tmp_path):
    """Open shops in one folder, each with a policy; close them at the end."""
    with ExitStack() as opened:
        yield lambda policy, kind=Shop: opened.enter_context(closing(kind(tmp_path, policy=policy)))


@pytest.fixture
def shop(tmp_path):
    """A shop with one live trigger and a model that says 30 %."""
    opened = Shop(tmp_path)
    yield opened
    opened.close()
