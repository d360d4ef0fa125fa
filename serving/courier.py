"""One attempt to deliver one message: hand it to whatever its endpoint is, and put what came back into words."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, assert_never

import aiohttp

from serving.access_tokens import AccessTokens
from serving.claims import Claim
from serving.courier_file import IsThere, write_line
from serving.courier_http import call_api, post_webhook
from serving.courier_smtp import send_mail
from serving.endpoints import Api, Endpoint, Lines, Smtp, Webhook
from serving.mail_connections import MailConnections
from serving.outbox import Attempt
from serving.retry import Answer, after


class Connections(NamedTuple):
    """What couriers work with: HTTP, mail servers, tokens, how many seconds an attempt may take, the outbox."""

    http: aiohttp.ClientSession
    mail: MailConnections
    tokens: AccessTokens
    timeout_s: float
    is_there: IsThere


@asynccontextmanager
async def open_connections(*, timeout_s: float, is_there: IsThere = lambda _: True) -> AsyncIterator[Connections]:
    """Open connections that share nothing between messages, use no proxy and give up after `timeout_s`."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers={"Content-Type": "application/json", "User-Agent": "Opportune"},
        skip_auto_headers=("Accept-Encoding",),
        trust_env=False,
    )
    mail = MailConnections(timeout_s=timeout_s)
    async with session:
        try:
            yield Connections(session, mail, AccessTokens(), timeout_s, is_there)
        finally:
            await mail.close()


async def attempt(connections: Connections, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]) -> Attempt:
    """Make one attempt. It never raises: whatever went wrong is an answer too, and the message is tried again."""
    at, started = wall(), time.perf_counter_ns()
    answer = await _answer(connections, claim, endpoint, wall)
    duration_us = (time.perf_counter_ns() - started) // 1000
    return Attempt(claim, at, duration_us, answer, after(answer, attempts_made=claim.tries, at=at + duration_us))


async def _answer(connections: Connections, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]) -> Answer:
    try:
        async with asyncio.timeout(connections.timeout_s):
            return await _hand_over(connections, claim, endpoint, wall)
    except TimeoutError:
        return Answer(None, f"no answer within {connections.timeout_s:g} s")
    except aiohttp.ClientConnectorError as error:
        return Answer(None, f"no connection: {_in_words(error.os_error)}")
    except ConnectionError as error:
        return Answer(None, f"no connection: {_in_words(error)}")
    except Exception as error:  # noqa: BLE001 - whatever went wrong counts as an attempt, or the message would never end
        # Only the kind of error: its text may hold the address, and the address may hold a token.
        return Answer(None, f"not delivered: {type(error).__name__}")


async def _hand_over(connections: Connections, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]) -> Answer:
    match endpoint:
        case Webhook():
            return await post_webhook(connections.http, claim, endpoint, wall)
        case Api():
            return await call_api(connections.http, connections.tokens, claim, endpoint, wall)
        case Smtp():
            return await send_mail(claim, endpoint, connections.mail)
        case Lines():
            return await write_line(claim, endpoint, wall(), connections.is_there)
        case _:
            assert_never(endpoint)


def _in_words(error: OSError) -> str:
    errno = error.errno or 0
    return os.strerror(errno) if errno > 0 else type(error).__name__
