"""The two ways to put load on a server: as fast as it answers (closed), and as users come (open)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.latency import percentile
from benchmarks.tally import Outcome, Tally
from benchmarks.wire import Connection, Listener

LOST, UNANSWERED = b"lost", b"unanswered"


async def connect(listener: Listener, port: int, count: int) -> list[Connection]:
    """Open `count` keep-alive connections to a port of this machine."""
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_connection(lambda: Connection(listener), "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in pairs]


class ClosedLoop:
    """Every connection asks again as soon as it is answered: finds the peak, and flatters the latencies."""

    def __init__(self, request: Callable[[], bytes], *, warmup_s: float, measured_s: float) -> None:
        begin = time.perf_counter()
        self._tally = Tally(begin + warmup_s, begin + warmup_s + measured_s)
        self._request = request
        self._done = asyncio.Event()
        self._alive = 0

    async def play(self, port: int, connections: int) -> Outcome:
        """Run to the end of the window; what is in flight then is not counted."""
        opened = await connect(self, port, connections)
        self._alive = len(opened)
        asyncio.get_running_loop().call_at(
            asyncio.get_running_loop().time() + self._tally.closes_at - time.perf_counter(), self._done.set
        )
        for connection in opened:
            connection.send(self._request(), since=time.perf_counter())
        await self._done.wait()
        for connection in opened:
            connection.close()
        return self._tally.outcome()

    def answered(self, connection: Connection, status: bytes) -> None:
        """Count, and ask again."""
        now = time.perf_counter()
        self._tally.answer(status, since=connection.since, now=now, counted_at=now)
        if not self._done.is_set():
            connection.send(self._request(), since=now)

    def lost(self, connection: Connection) -> None:
        """Count; a run without any connection left is over."""
        if self._done.is_set():
            return
        self._tally.miss(waited_s=time.perf_counter() - connection.since, cause=LOST)
        self._alive -= 1
        if self._alive == 0:
            self._done.set()


class OpenLoop:
    """Requests are due at moments fixed beforehand; a latency counts from the moment due, sent or not."""

    def __init__(self, request: Callable[[], bytes], moments_s: NDArray[np.float64], *, warmup_s: float) -> None:
        self._request = request
        self._moments = moments_s
        self._warmup_s = warmup_s
        self._next = 0
        self._begin = 0.0
        self._idle: list[Connection] = []
        self._backlog: deque[float] = deque()
        self._in_flight: set[Connection] = set()
        self._send_lags: list[float] = []
        self._tally = Tally(0.0, 0.0)
        self._done = asyncio.Event()

    @property
    def began_at(self) -> float:
        """What the moments count from, in perf_counter seconds."""
        return self._begin

    async def play(self, port: int, connections: int, *, until_s: float, patience_s: float = 5.0) -> Outcome:
        """Send all that is due within `until_s` seconds, and wait at most `patience_s` more for the answers."""
        opened = await connect(self, port, connections)
        self._idle = list(opened)
        self._begin = time.perf_counter()
        self._tally = Tally(self._begin + self._warmup_s, self._begin + until_s)
        self._pump()
        try:
            await asyncio.wait_for(self._done.wait(), until_s + patience_s)
        except TimeoutError:
            self._give_up()
        self._done.set()
        for connection in opened:
            connection.close()
        lag = percentile(np.sort(self._send_lags), 99) * 1e3 if self._send_lags else None
        return self._tally.outcome(None if lag is None else round(lag, 3))

    def answered(self, connection: Connection, status: bytes) -> None:
        """Count by the moment due; give the connection the oldest request that waits for one."""
        now = time.perf_counter()
        self._in_flight.discard(connection)
        self._tally.answer(status, since=connection.since, now=now, counted_at=connection.since)
        if self._backlog:
            self._send(connection, self._backlog.popleft())
        else:
            self._idle.append(connection)
        self._finish_if_over()

    def lost(self, connection: Connection) -> None:
        """Count the request it carried; the others share the rest of the work."""
        if self._done.is_set():
            return
        if connection in self._idle:
            self._idle.remove(connection)
        self._in_flight.discard(connection)
        self._tally.miss(waited_s=time.perf_counter() - connection.since, cause=LOST)
        self._finish_if_over()

    def _pump(self) -> None:
        # Spinning, because timers of the event loop are whole milliseconds: half of the latencies measured here.
        now = time.perf_counter()
        while self._next < self._moments.size and self._begin + self._moments[self._next] <= now:
            due = self._begin + float(self._moments[self._next])
            self._next += 1
            if self._idle:
                self._send_lags.append(now - due)
                self._send(self._idle.pop(), due)
            else:
                self._backlog.append(due)
        if self._next < self._moments.size and not self._done.is_set():
            asyncio.get_running_loop().call_soon(self._pump)

    def _send(self, connection: Connection, due: float) -> None:
        self._in_flight.add(connection)
        connection.send(self._request(), since=due)

    def _finish_if_over(self) -> None:
        if self._next == self._moments.size and not self._in_flight and not self._backlog:
            self._done.set()

    def _give_up(self) -> None:
        now = time.perf_counter()
        for due in [*self._backlog, *(connection.since for connection in self._in_flight)]:
            if due >= self._tally.opens_at:
                self._tally.miss(waited_s=now - due, cause=UNANSWERED)
