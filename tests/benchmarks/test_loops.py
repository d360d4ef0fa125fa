"""The load generator against real sockets: it counts what fails, and does not look away while the server stalls."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from benchmarks.loops import ClosedLoop, OpenLoop
from benchmarks.tally import Outcome
from benchmarks.wire import EndlessAnswerError, response_length

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
ASK = b"GET / HTTP/1.1\r\n\r\n"

Answer = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


async def against(answer: Answer, play: Callable[[int], Awaitable[Outcome]]) -> Outcome:
    """Play against a server that gives its n-th request, counted over all connections, to `answer`."""
    seen = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                seen += 1
                await answer(writer, seen)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        return await play(server.sockets[0].getsockname()[1])


def closed(measured_s: float = 0.3) -> Callable[[int], Awaitable[Outcome]]:
    return lambda port: ClosedLoop(lambda: ASK, warmup_s=0, measured_s=measured_s).play(port, 4)


def test_every_third_answer_refused_is_a_third_of_errors() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(BUSY if number % 3 == 0 else GOOD)

    outcome = asyncio.run(against(answer, closed()))

    total = outcome.answered + outcome.errors
    assert total > 30
    assert outcome.statuses == {"200": outcome.answered, "503": outcome.errors}
    assert abs(outcome.errors - total / 3) <= 4  # those of the four connections in flight at the end


def test_connections_that_the_server_drops_are_errors_and_end_the_run() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        if number <= 8:
            writer.write(GOOD)
        else:
            writer.close()

    outcome = asyncio.run(against(answer, closed(measured_s=60)))

    assert outcome.answered == 8
    assert outcome.statuses["lost"] == outcome.errors == 4


def test_an_answer_in_pieces_counts_once() -> None:
    async def answer(writer: asyncio.StreamWriter, _: int) -> None:
        for piece in (GOOD[:10], GOOD[10:30], GOOD[30:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    outcome = asyncio.run(against(answer, closed()))

    assert outcome.answered > 0
    assert outcome.errors == 0


def test_a_stalled_server_is_charged_for_everybody_who_came_meanwhile() -> None:
    stall_s = 0.5
    gate: dict[str, float] = {}

    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if number == 1:
            gate["opens"] = now + stall_s
        await asyncio.sleep(max(0.0, gate["opens"] - now))
        writer.write(GOOD)

    moments = np.arange(100) / 200  # one every 5 ms, all within the stall

    async def play(port: int) -> Outcome:
        return await OpenLoop(lambda: ASK, moments, warmup_s=0).play(port, 2, until_s=0.5)

    outcome = asyncio.run(against(answer, play))

    # Two connections: a closed loop would report two slow answers. Here the n-th has waited for 500 - 5 n ms.
    assert outcome.answered == 100
    assert outcome.latency.p50_ms is not None
    assert outcome.latency.p50_ms >= 245
    assert outcome.latency.max_ms is not None
    assert outcome.latency.max_ms >= 500


def test_who_is_never_answered_is_an_error_with_the_time_waited() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        if number <= 5:
            writer.write(GOOD)

    async def play(port: int) -> Outcome:
        moments = np.arange(20) / 1000
        return await OpenLoop(lambda: ASK, moments, warmup_s=0).play(port, 3, until_s=0.1, patience_s=0.2)

    outcome = asyncio.run(against(answer, play))

    assert outcome.statuses == {"200": 5, "unanswered": 15}
    assert outcome.errors == 15
    assert outcome.latency.max_ms is not None
    assert outcome.latency.max_ms >= 200


@pytest.mark.parametrize("cut", range(len(GOOD)))
def test_the_length_of_a_response_is_known_with_its_head(cut: int) -> None:
    whole = len(GOOD) if cut >= GOOD.index(b"\r\n\r\n") + 4 else None

    assert response_length(GOOD[:cut]) == whole


def test_a_response_without_length_is_not_guessed_at() -> None:
    with pytest.raises(EndlessAnswerError):
        response_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
