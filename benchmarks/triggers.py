"""What a policy costs: 50 triggers against one, and a million timers against none.

Engines of real servers, without HTTP, take the same events in turns, so that whatever else the machine does meets all
of them alike. Many ask at once, as in a busy server, so that the disk is waited for once for all of them.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, Final

from features.events import Event
from features.normalise import normalise
from serving.app import Server
from serving.database import open_database
from serving.items import Answer
from serving.mapping_file import read_mapping
from serving.settings import Settings

AT_ONCE: Final = 64
ROUNDS: Final = 60
TIMERS: Final = 1_000_000
APART: Final = 500
"""Between the numbers of two people who act: those who only wait lie between them."""
TRIGGER: Final = """
  - name: {name}
    on: {on}
    threshold: 20%
    cool_down: 1d
    hold_out: 10%
    mode: live
    guards: {{consent: none, cap: {{count: 3, window: 7d}}, gap_after_purchase: 3d}}
"""
WAITING: Final = """
  - name: cart-left
    on: Product Added
    after: 30 min
    cancel_on: Order Completed
    threshold: 20%
    cool_down: 1d
    mode: live
"""
_PEOPLE: Final = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at)
SELECT i * ?2, 'u' || i, 'u' || i, 0, 0 FROM n
"""
# Due between an hour and thirty days from now, in no order; of people with any number.
_TIMERS: Final = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO timers (user_no, trigger, step, key, due_at, armed_at, event_seq)
SELECT i, 'cart-left', 0, 'another', ?2 + 3600000000 + (i * 7919) % 2588400 * 1000000, ?2, 1 FROM n
"""


def triggers(count: int, *, at_once: bool) -> str:
    """Return so many triggers: all on the event that is sent, or the others on some of their own."""
    return "".join(
        TRIGGER.format(name=f"trigger-{n}", on="Product Added" if at_once or n == 0 else f"Something {n}")
        for n in range(count)
    )


class Subject:
    """An engine that takes events, and how long it took."""

    clock: ClassVar[Callable[[], float]] = time.perf_counter

    def __init__(self, folder: Path, policy: str, *, bundles: Path, people: int, timers: int = 0) -> None:
        """Prepare a home with people who act, and timers of others."""
        folder.mkdir(parents=True)
        (folder / "triggers.yaml").write_text(f"format: 1\ntriggers:{policy}")
        if bundles.exists():
            shutil.copytree(bundles, folder / "bundles")
        settings = Settings(home=folder, triggers=folder / "triggers.yaml", watch_registry=False)
        open_database(settings.database).dispose()
        with closing(sqlite3.connect(settings.database)) as connection, connection:
            connection.execute("PRAGMA synchronous=OFF")
            # With two megabytes, pages of a million timers in no order would be written again and again.
            connection.execute("PRAGMA cache_size=-262144")
            connection.execute(_PEOPLE, (people, APART))
            connection.execute(_TIMERS, (timers, time.time_ns() // 1000)) if timers else None
        self._server = Server(settings)
        self.per_event_us: list[float] = []

    async def take(self, events: Sequence[Event]) -> None:
        """Take events that come all at once, each with its score."""
        engine, clock = self._server.engine, type(self).clock
        begin = clock()
        for answer in await asyncio.gather(*(engine.score([(each.user_id, None)], event=each) for each in events)):
            self.read(answer)
        self.per_event_us.append((clock() - begin) / len(events) * 1e6)

    def read(self, answer: Answer) -> None:
        """Read what is asked of an answer: nothing."""

    def close(self) -> None:
        """Let its files go."""
        self._server.close()

    @property
    def typical_us(self) -> float:
        """The median cost of an event in microseconds, after the first quarter of the rounds."""
        return median(self.per_event_us[len(self.per_event_us) // 4 :])


def events(number: int, people: int, *, orders: bool) -> list[Event]:
    """Return the events of a round: additions to the cart, and some orders if asked for."""
    mapping, now = read_mapping(), time.time_ns() // 1000
    made = []
    for n in range(AT_ONCE):
        name = "Order Completed" if orders and n % 8 == 7 else "Product Added"
        raw = {
            "type": "track",
            "event": name,
            "userId": f"u{(number * AT_ONCE + n) * 31 % people + 1}",
            "messageId": f"round-{number}-{n}",
            "properties": {"product_id": f"p-{n}", "price": 59.9, "quantity": 1, "order_id": f"o-{number}-{n}"},
        }
        made.append(normalise(raw, received_at=now, mapping=mapping))
    return made


async def race(subjects: Sequence[Subject], *, rounds: int, people: int, orders: bool) -> None:
    """Let all take the same events, in turns that begin with another one each time."""
    for number in range(rounds):
        made = events(number, people, orders=orders)
        for turn in range(len(subjects)):
            await subjects[(number + turn) % len(subjects)].take(made)


def compared(subjects: Mapping[str, Subject], folder: Path, *, rounds: int, people: int) -> dict[str, Any]:
    """Return what an event costs each of these, in microseconds by name; they are closed, and the folder removed."""
    asyncio.run(race(list(subjects.values()), rounds=rounds, people=people, orders=False))
    us = {name: round(each.typical_us, 1) for name, each in subjects.items()}
    for each in subjects.values():
        each.close()
    shutil.rmtree(folder, ignore_errors=True)
    return {"us_per_event": us}


def measure(bundles: Path, folder: Path, *, rounds: int = ROUNDS, timers: int = TIMERS) -> dict[str, Any]:
    """Return microseconds an event, by what was loaded."""
    shutil.rmtree(folder, ignore_errors=True)
    people = max(1, timers // APART)
    loaded = {
        "one": triggers(1, at_once=True),
        "fifty": triggers(50, at_once=False),
        "fifty_on_one_event": triggers(50, at_once=True),
    }
    deciding = {name: Subject(folder / name, text, bundles=bundles, people=people) for name, text in loaded.items()}
    asyncio.run(race(list(deciding.values()), rounds=rounds, people=people, orders=False))
    waiting = {
        name: Subject(folder / name, WAITING, bundles=bundles, people=people, timers=count)
        for name, count in (("no_timers", 0), ("timers", timers))
    }
    asyncio.run(race(list(waiting.values()), rounds=rounds, people=people, orders=True))
    found = {name: round(each.typical_us, 1) for name, each in (deciding | waiting).items()}
    for each in (deciding | waiting).values():
        each.close()
    shutil.rmtree(folder, ignore_errors=True)
    return {"us_per_event": found, "timers": timers}
