"""How long it takes from an event to its message at the receiver, at 500 events a second; figures as JSON on stdout.

`python -m benchmarks.dispatch <home with bundles> <scratch folder>`. The server of `make serve` on one core, load and
receivers on the other. One event in five leads to a message, by webhook or by e-mail; then the same once more while
two other endpoints get messages too, of which one is dead and one slow. A latency counts from the moment at which the
event was due, sent or not, to the moment at which the receiver had the message.
"""

import argparse
import asyncio
import gc
import itertools
import json
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop

from benchmarks import dispatch_home as home
from benchmarks.dispatch_receivers import Arrivals, receiving
from benchmarks.latency import arrivals as moments_of
from benchmarks.latency import percentile
from benchmarks.load import pin
from benchmarks.loops import OpenLoop
from benchmarks.machine import Cores, cores
from benchmarks.payloads import user_name
from benchmarks.servers import Server, free_port, start

RATE_PER_S: Final = 500.0
WARMUP_S: Final = 1.0
MEASURED_S: Final = 4.0
HELD_S: Final = 4.0
PATIENCE_S: Final = 5.0
CONNECTIONS: Final = 32
HEALTHY: Final = frozenset({home.WEBHOOK, home.MAIL})
_HEAD: Final = "POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
_INTRODUCED_AT_ONCE: Final = 500


async def measure(bundles: Path, folder: Path, on: Cores, *, rate_per_s: float, measured_s: float) -> dict[str, Any]:
    """Return the figures of both turns; the folder is removed again."""
    arrived = Arrivals()
    async with receiving(arrived, held_s=HELD_S) as ports:
        home.make(folder, bundles, webhook=ports.webhook, mail=ports.mail, dead=ports.dead, slow=ports.slow)
        server = await asyncio.to_thread(_started, folder, on)
        try:
            turns = [
                Turn(cycle, rate_per_s, measured_s, seed) for seed, cycle in enumerate((home.CYCLE, home.TROUBLED))
            ]
            people = sum(len(each.moments) for each in turns)
            await asyncio.to_thread(introduce, server.port, people)
            first = 0
            found = []
            for turn in turns:
                before = processor_s(server.process.pid)
                figures = await turn.play(server.port, arrived, first)
                found.append(figures | _spent(before, processor_s(server.process.pid)))
                first += len(turn.moments)
        finally:
            await asyncio.to_thread(server.stop)
            shutil.rmtree(folder, ignore_errors=True)
    return {"alone": found[0], "beside": found[1], "again": arrived.again}


def _started(folder: Path, on: Cores) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "serving"]
    log = folder / "server.log"
    return start("ours", command, port=port, log=log, env=home.environment(folder, port), cpu=on.server)


def introduce(port: int, people: int) -> None:
    """Tell the server who so many people are."""
    for first in range(0, people, _INTRODUCED_AT_ONCE):
        body = home.introduced(first, min(first + _INTRODUCED_AT_ONCE, people))
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/batch", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            answer.read()


class Turn:
    """One open loop of events, each of a person who does nothing else."""

    def __init__(self, cycle: Sequence[str], rate_per_s: float, measured_s: float, seed: int) -> None:
        """Draw the moments at which events are due, the first `WARMUP_S` seconds of which do not count."""
        self._cycle = cycle
        self._measured_s = measured_s
        self.moments = moments_of(rate_per_s, WARMUP_S + measured_s, seed=seed)

    async def play(self, port: int, arrived: Arrivals, first: int) -> dict[str, Any]:
        """Return what came of the events; the first person of the turn has the number `first`."""
        until_s = WARMUP_S + self._measured_s
        loop = OpenLoop(requests(self._cycle, first), self.moments, warmup_s=WARMUP_S)
        outcome = await loop.play(port, CONNECTIONS, until_s=until_s)
        expected = [n for n in range(len(self.moments)) if self._counts(n)]
        users = [user_name(first + n) for n in expected]
        await arrived.all_of(users, within_s=PATIENCE_S)
        end = time.perf_counter()
        waits = np.sort(
            [
                arrived.at.get(user, end) - loop.began_at - float(self.moments[n])
                for n, user in zip(expected, users, strict=True)
            ]
        )
        return {
            "events_per_s": outcome.per_s,
            "errors": outcome.errors,
            "messages": len(expected),
            "missing": sum(user not in arrived.at for user in users),
            "p50_s": round(percentile(waits, 50), 4),
            "p99_s": round(percentile(waits, 99), 4),
            "max_s": round(percentile(waits, 100), 4),
        }

    def _counts(self, number: int) -> bool:
        return self._cycle[number % len(self._cycle)] in HEALTHY and self.moments[number] >= WARMUP_S


def requests(cycle: Sequence[str], first: int) -> Callable[[], bytes]:
    """Return a function whose every call gives the next event as a request, of the next person."""
    numbers = itertools.count()

    def following() -> bytes:
        number = next(numbers)
        event = cycle[number % len(cycle)]
        body = json.dumps(
            {
                "userId": user_name(first + number),
                "event": event,
                "messageId": f"event-{first + number}",
                "properties": {"product_id": "p-17", "price": 59.9, "quantity": 1, "query": "red shoes"},
            }
        )
        return f"{_HEAD}{len(body)}\r\n\r\n{body}".encode()

    return following


def processor_s(pid: int) -> tuple[float, float]:
    """Return how long a process had the processor and waited for it, in seconds; zeros where nobody says."""
    path = Path(f"/proc/{pid}/schedstat")
    had, waited = path.read_text().split()[:2] if path.exists() else (0, 0)
    return int(had) / 1e9, int(waited) / 1e9


def _spent(before: tuple[float, float], after: tuple[float, float]) -> dict[str, float]:
    # What the server waited for others on its core is no work of its own: a busy machine is told from a slow server.
    had, waited = (round(later - earlier, 2) for earlier, later in zip(before, after, strict=True))
    return {"processor_s": had, "waited_for_it_s": waited}


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dispatch", description=__doc__)
    parser.add_argument("home", type=Path, help="whose champions decide")
    parser.add_argument("folder", type=Path, help="to work in; removed afterwards")
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="events a second")
    parser.add_argument("--seconds", type=float, default=MEASURED_S, help="measured seconds of each turn")
    asked = parser.parse_args()
    on = cores()
    pin(on.load)
    gc.freeze()
    playing = measure(asked.home / "bundles", asked.folder, on, rate_per_s=asked.rate, measured_s=asked.seconds)
    print(json.dumps(uvloop.run(playing)))


if __name__ == "__main__":
    main()
