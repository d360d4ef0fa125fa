"""One attempt to deliver one message: sign, post, and put what came back into words."""

import os
import time
from collections.abc import Callable

import aiohttp

from serving.claims import Claim
from serving.endpoints import Endpoint
from serving.outbox import Attempt
from serving.retry import Answer, after, retry_after
from serving.signing import signed_headers


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
    answer = await _post(session, claim, endpoint, wall)
    duration_us = (time.perf_counter_ns() - started) // 1000
    return Attempt(claim, at, duration_us, answer, after(answer, attempts_made=claim.attempt, at=at + duration_us))


async def _post(session: aiohttp.ClientSession, claim: Claim, endpoint: Endpoint, wall: Callable[[], int]) -> Answer:
    body = claim.body.encode()
    headers = signed_headers(claim.message_id, body, keys=endpoint.keys, at_s=wall() // 1_000_000)
    try:
        # A redirect is a failure: it would carry a person's data to an address nobody configured.
        async with session.post(endpoint.url, data=body, headers=headers, allow_redirects=False) as response:
            if 200 <= response.status < 300:
                return Answer(response.status)
            wait = retry_after(response.headers.get("Retry-After"), at=wall())
            return Answer(response.status, f"the receiver answered {response.status}", wait)
    except TimeoutError:
        return Answer(None, f"no answer within {session.timeout.total:g} s")
    except aiohttp.ClientConnectorError as error:
        errno = error.os_error.errno or 0
        return Answer(None, f"no connection: {os.strerror(errno) if errno > 0 else type(error).__name__}")
    except Exception as error:  # noqa: BLE001 - whatever went wrong counts as an attempt, or the message would never end
        # Only the kind of error: its text may hold the address, and the address may hold a token.
        return Answer(None, f"not delivered: {type(error).__name__}")
