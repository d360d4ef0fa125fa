"""The contest over HTTP: every server on one core, the load from another, rounds taken in turns."""

import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from benchmarks import disk, lineup, policies
from benchmarks.lineup import Folders
from benchmarks.load import Plan
from benchmarks.machine import Cores
from benchmarks.payloads import Recipe
from benchmarks.policies import first
from benchmarks.servers import Server
from benchmarks.tally import Outcome

Peers: TypeAlias = dict[str, Server]
BATCH = 100
BUSY_CONNECTIONS = 32
WARMUP_S = 0.5
COLD_S = 1.0
"""For those who are asked once, so that no other turn warms them up."""
BATCH_WARMUP_S = 2.0
"""64 connections with 100 events each are answered for the first time after more than a second."""


@dataclass(slots=True)
class Contest:
    """The servers of one run, and what was measured of them."""

    folders: Folders
    cores: Cores
    seconds: float
    rounds: int
    note: Callable[[str], None]
    acknowledged: int = 0
    figures: dict[str, Any] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Return the figures; all servers are stopped again."""
        self.note("starting our server alone, to time it")
        ours = lineup.start_ours(self.folders, self.cores.server)
        try:
            self.note(f"ready after {ours.startup_s} s")
            with running(lineup.start_ceiling(self.folders, self.cores.server)) as ceiling:
                for name, recipe in (("score", lineup.score), ("event", lineup.event)):
                    self._compare(name, recipe, ours, ceiling)
            self.note(f"batches of {BATCH} events")
            self._batches(ours, "shipped", self.rounds)
            self._beside_a_busy_route(ours, self.folders.key())
            self._beside_slow_peers(ours)
            self._fewer_triggers(ours)
            self.figures["startup_s"] = ours.startup_s
            self.figures["peak_rss_mb"] = ours.peak_rss_mb()
        finally:
            ours.stop()
        self.figures["in_the_log"] = logged_live(self.folders.live / "opportune.db")
        self.figures["acknowledged"] = self.acknowledged
        return self.figures

    def _compare(self, name: str, recipe: Callable[..., Recipe], ours: Server, ceiling: Server) -> None:
        """Take turns; each half of a peak follows the peak, since the machine's speed is another one a minute later."""
        key = self.folders.key()
        self.note(f"{name}: ceiling, ours, and ours at half of its peak in turns")
        peaks: dict[str, list[Outcome]] = {"ceiling": [], "ours": []}
        halves: list[Outcome] = []
        for _ in range(self.rounds):
            peaks["ceiling"].append(self._play(ceiling, recipe(key)))
            peaks["ours"].append(self._play(ours, recipe(key)))
            halves.append(self._play(ours, recipe(key), rate_per_s=peaks["ours"][-1].per_s / 2))
        found: dict[str, Any] = {who: middle(outcomes) for who, outcomes in peaks.items()}
        found["half"] = middle(halves, by=lambda each: each.latency.p99_ms or math.inf)
        if name == "event":
            rate = found["ours"].per_s / 2
            self.figures["disk"] = disk.alone(self.folders.live, rate_per_s=rate, seconds=self.seconds)
            self.acknowledged += sum(each.acknowledged for each in [*peaks["ours"], *halves])
        self.figures[name] = found

    def _batches(self, ours: Server, triggers: str, rounds: int) -> None:
        recipe = lineup.batch(self.folders.key(), BATCH)
        outcomes = [self._play(ours, recipe, warmup_s=BATCH_WARMUP_S) for _ in range(rounds)]
        found = middle(outcomes)
        self.figures.setdefault("batch", {})[triggers] = {"requests": found, "events_per_s": found.per_s * BATCH}
        self.acknowledged += sum(each.acknowledged for each in outcomes) * BATCH

    def _beside_slow_peers(self, ours: Server) -> None:
        """Measure the slow peers, which start while our server ends what waits by triggers that it loses."""
        self.note("starting the slow peers; of our triggers only the first stays")
        with ThreadPoolExecutor() as pool:
            fewer = pool.submit(self._leave, ours, 1)
            with peers(self.folders, self.cores) as others:
                fewer.result()
                self._slow(others)

    def _fewer_triggers(self, ours: Server) -> None:
        """Measure batches by fewer triggers, last: a slow peer works on for seconds at what it was asked."""
        self.note("batches by one trigger, and by none")
        self._batches(ours, "one_trigger", 1)
        self._leave(ours, 0)
        self._batches(ours, "no_trigger", 1)

    def _leave(self, ours: Server, count: int) -> None:
        """Leave so many of the shipped triggers in service."""
        policies.put_in_service(first(count), self.folders.live, port=ours.port, key=self.folders.key())

    def _slow(self, others: Peers) -> None:
        key, slow, users = self.folders.key(), others["straightforward"], lineup.PEER_USERS
        self.note("the straightforward service, feast serve, mlflow models serve")
        for name, recipe in (("score", lineup.score), ("event", lineup.event)):
            self.figures[name]["straightforward"] = self._play(slow, recipe(key, users=users), warmup_s=COLD_S)
        slow.stop()
        self.figures["feast"] = self._play(others["feast serve"], lineup.feast_features(), warmup_s=COLD_S)
        others["feast serve"].stop()
        mlflow = lineup.mlflow_prediction(self.folders)
        self.figures["mlflow"] = self._play(others["mlflow models serve"], mlflow, warmup_s=COLD_S)

    def _beside_a_busy_route(self, ours: Server, key: str) -> None:
        """Measure events unpinned: alone, and beside connections that ask a cheap route without pause."""
        if self.cores.both is not None:
            ours.pin(self.cores.both)
        self.note("unpinned: events alone")
        alone = self._play(ours, lineup.event(key), pinned=False)
        self.note(f"unpinned: events beside {BUSY_CONNECTIONS} busy connections")
        with ThreadPoolExecutor() as pool:
            busy = pool.submit(
                self._play,
                ours,
                Recipe("/healthz", key),
                pinned=False,
                connections=BUSY_CONNECTIONS,
                seconds=self.seconds + 2,
            )
            beside = self._play(ours, lineup.event(key), pinned=False)
            self.figures["busy"] = {"alone": alone, "beside": beside, "cheap": busy.result()}
        self.acknowledged += alone.acknowledged + beside.acknowledged

    def _play(
        self,
        server: Server,
        recipe: Recipe,
        *,
        rate_per_s: float | None = None,
        pinned: bool = True,
        connections: int = 64,
        seconds: float | None = None,
        warmup_s: float = WARMUP_S,
    ) -> Outcome:
        """Let the load generator play against a server."""
        plan = Plan(
            port=server.port,
            recipe=recipe,
            connections=connections,
            warmup_s=warmup_s,
            measured_s=self.seconds if seconds is None else seconds,
            rate_per_s=rate_per_s,
            cpu=self.cores.load if pinned else None,
        )
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load"], input=msgspec.json.encode(plan), capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"the load on {server.name} failed: {done.stderr.decode()[-2000:]}")
        return msgspec.json.decode(done.stdout, type=Outcome)


@contextmanager
def peers(folders: Folders, cores: Cores) -> Iterator[Peers]:
    """Start the slow peers at once, unpinned so that it takes less long; give them, pinned, by name; stop them."""
    begin = (lineup.start_straightforward, lineup.start_feast, lineup.start_mlflow)
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(each, folders, None) for each in begin]
    started = [each.result() for each in waiting if each.exception() is None]
    try:
        for each in waiting:
            each.result()
        for server in started:
            if cores.server is not None:
                server.pin({cores.server})
        yield {each.name: each for each in started}
    finally:
        for server in started:
            server.stop()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Stop a server in the end."""
    try:
        yield server
    finally:
        server.stop()


def middle(outcomes: list[Outcome], by: Callable[[Outcome], float] = attrgetter("per_s")) -> Outcome:
    """Return the outcome with the median rate, or with the median of something else."""
    return sorted(outcomes, key=by)[(len(outcomes) - 1) // 2]


def logged_live(database: Path) -> int:
    """Return how many events the log holds that came over HTTP."""
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM events WHERE origin = 'live'").fetchone()[0])
    finally:
        connection.close()
