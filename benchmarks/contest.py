"""The contest over HTTP: every server on one core, the load from another, rounds taken in turns."""

import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from benchmarks import lineup
from benchmarks.lineup import Folders
from benchmarks.load import Plan
from benchmarks.machine import Cores
from benchmarks.payloads import Recipe
from benchmarks.servers import Server
from benchmarks.tally import Outcome

Peers: TypeAlias = dict[str, Server]
BATCH = 100
BUSY_CONNECTIONS = 32


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
            self.note(f"ready after {ours.startup_s} s; starting the peers")
            with peers(self.folders, self.cores) as others:
                self._against(ours, others)
            self._beside_a_busy_route(ours, self.folders.key())
            self.figures["startup_s"] = ours.startup_s
            self.figures["peak_rss_mb"] = ours.peak_rss_mb()
        finally:
            ours.stop()
        self.figures["in_the_log"] = logged_live(self.folders.live / "opportune.db")
        self.figures["acknowledged"] = self.acknowledged
        return self.figures

    def _against(self, ours: Server, others: Peers) -> None:
        for name, recipe in (("score", lineup.score), ("event", lineup.event)):
            self._compare(name, recipe, ours, others["ceiling"])
        self.note(f"batches of {BATCH} events")
        batches = self._play(ours, lineup.batch(self.folders.key(), BATCH))
        self.figures["batch"] = batches
        self.figures["batch_events_per_s"] = batches.per_s * BATCH
        self.acknowledged += batches.acknowledged * BATCH
        # Last, because a slow server works on for seconds at what it was asked, on the core of the others.
        self._slow(others)

    def _compare(self, name: str, recipe: Callable[..., Recipe], ours: Server, ceiling: Server) -> None:
        key = self.folders.key()
        self.note(f"{name}: ceiling and ours in turns")
        peaks: dict[str, list[Outcome]] = {"ceiling": [], "ours": []}
        for _ in range(self.rounds):
            peaks["ceiling"].append(self._play(ceiling, recipe(key)))
            peaks["ours"].append(self._play(ours, recipe(key)))
        found: dict[str, Any] = {who: middle(outcomes) for who, outcomes in peaks.items()}
        self.note(f"{name}: ours at half of its peak")
        found["half"] = self._play(ours, recipe(key), rate_per_s=found["ours"].per_s / 2)
        if name == "event":
            self.acknowledged += sum(each.acknowledged for each in [*peaks["ours"], found["half"]])
        self.figures[name] = found

    def _slow(self, others: Peers) -> None:
        key, slow = self.folders.key(), others["straightforward"]
        self.note("the straightforward service, feast serve, mlflow models serve")
        self.figures["score"]["straightforward"] = self._play(slow, lineup.score(key, users=lineup.PEER_USERS))
        self.figures["event"]["straightforward"] = self._play(slow, lineup.event(key, users=lineup.PEER_USERS))
        slow.stop()
        self.figures["feast"] = self._play(others["feast serve"], lineup.feast_features())
        others["feast serve"].stop()
        self.figures["mlflow"] = self._play(others["mlflow models serve"], lineup.mlflow_prediction(self.folders))

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
    ) -> Outcome:
        """Let the load generator play against a server."""
        plan = Plan(
            port=server.port,
            recipe=recipe,
            connections=connections,
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
    """Start all peers at once, unpinned so that it takes less long; give them, pinned, by name; stop them."""
    begin = (lineup.start_ceiling, lineup.start_straightforward, lineup.start_feast, lineup.start_mlflow)
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


def middle(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome with the median rate."""
    median = statistics.median_low(each.per_s for each in outcomes)
    return next(each for each in outcomes if each.per_s == median)


def logged_live(database: Path) -> int:
    """Return how many events the log holds that came over HTTP."""
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM events WHERE origin = 'live'").fetchone()[0])
    finally:
        connection.close()
