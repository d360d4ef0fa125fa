"""One attempt to deliver one message: hand it to whatever its endpoint is, and put what came back into words."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import assert_never

import aiohttp

from serving.claims import Claim
from serving.courier_file import write_line
from serving.courier_http import call_api, post_webhook
from serving.courier_smtp import send_mail
from serving.endpoints import Api, Endpoint, Lines, Smtp, Webhook
from serving.outbox import Attempt
from serving.retry import Answer, after


def open_session(*, timeout_s: float) -> aiohttp.ClientSession:
    """Open connections that share nothing between messages, use no proxy and give up after `timeout_s`."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers={"Content-Type": "application/json", "User-Agent": "Opportune"},
        skip_auto_headers=("Accept-Encoding",),
        trust_env=False,
    )


async def attempt(session: aiohttp.ClientSession, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]) -> Attempt:
    """Make one attempt. It never raises: whatever went wrong is an answer too, and the message is tried again."""
    at, started = wall(), time.perf_counter_ns()
    answer = await _answer(session, claim, endpoint, wall)
    duration_us = (time.perf_counter_ns() - started) // 1000
    return Attempt(claim, at, duration_us, answer, after(answer, attempts_made=claim.tries, at=at + duration_us))


async def _answer(session: aiohttp.ClientSession, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]) -> Answer:
    timeout_s = session.timeout.total
    try:
        async with asyncio.timeout(timeout_s):
            return await _hand_over(session, claim, endpoint, wall)
    except TimeoutError:
        return Answer(None, f"no answer within {timeout_s:g} s")
    except aiohttp.ClientConnectorError as error:
        return Answer(None, f"no connection: {_in_words(error.os_error)}")
    except ConnectionError as error:
        return Answer(None, f"no connection: {_in_words(error)}")
    except Exception as error:  # noqa: BLE001 - whatever went wrong counts as an attempt, or the message would never end
        # Only the kind of error: its text may hold the address, and the address may hold a token.
        return Answer(None, f"not delivered: {type(error).__name__}")


async def _hand_over(
    session: aiohttp.ClientSession, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]
) -> Answer:
    match endpoint:
        case Webhook():
            return await post_webhook(session, claim, endpoint, wall)
        case Api():
            return await call_api(session, claim, endpoint, wall)
        case Smtp():
            return await send_mail(claim, endpoint, session.timeout.total)
        case Lines():
            return await write_line(claim, endpoint, wall())
        case _:
            assert_never(endpoint)


def _in_words(error: OSError) -> str:
    errno = error.errno or 0
    return os.strerror(errno) if errno > 0 else type(error).__name__
