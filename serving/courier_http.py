"""Messages over HTTP: as a signed webhook, or as whatever a provider's interface asks for."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp

from serving.access_tokens import AccessTokens, NoToken
from serving.claims import Claim
from serving.endpoints import Api, Webhook
from serving.json_paths import found_at
from serving.provider_body import NotFilledIn, as_form, as_json, said
from serving.rendered import Rendered
from serving.retry import Answer, retry_after
from serving.signing import signed_headers

LARGEST_ANSWER: Final = 65_536
"""Bytes of a provider's answer that are looked at."""


async def post_webhook(
    session: aiohttp.ClientSession, claim: Claim, endpoint: Webhook, wall: Callable[[], int]
) -> Answer:
    """Post a message as it is, signed."""
    body = claim.body.encode()
    headers = signed_headers(claim.message_id, body, keys=endpoint.keys, at_s=wall() // 1_000_000)
    # A redirect is a failure: it would carry a person's data to an address nobody configured.
    async with session.post(endpoint.url, data=body, headers=headers, allow_redirects=False) as response:
        return _answer(response, wall())


async def call_api(
    session: aiohttp.ClientSession, tokens: AccessTokens, claim: Claim, endpoint: Api, wall: Callable[[], int]
) -> Answer:
    """Ask a provider to send a message, and read from the answer what it calls it."""
    try:
        body, headers = _filled_in(claim, endpoint)
    except (NotFilledIn, ValueError) as error:
        return Answer(None, str(error), refused=True)
    if endpoint.client is None:
        return await _ask(session, endpoint, body, headers, wall)
    try:
        token = await tokens.of(session, endpoint.client)
        answer = await _ask(session, endpoint, body, {**headers, "Authorization": f"Bearer {token}"}, wall)
        if answer.status_code != 401:
            return answer
        # It was taken back before it expired; whoever is not let in was not asked to send anything either.
        tokens.refused(endpoint.client, token)
        token = await tokens.of(session, endpoint.client)
    except NoToken as error:
        return Answer(None, str(error))
    return await _ask(session, endpoint, body, {**headers, "Authorization": f"Bearer {token}"}, wall)


async def _ask(
    session: aiohttp.ClientSession, endpoint: Api, body: bytes, headers: Mapping[str, str], wall: Callable[[], int]
) -> Answer:
    # A redirect is a failure here, too.
    asked = session.request(endpoint.method, endpoint.url, data=body, headers=headers, allow_redirects=False)
    async with asked as response:
        answer = _answer(response, wall())
        if answer.error is not None:
            return Answer(answer.status_code, answer.error, answer.retry_after_us, response.status in endpoint.refusals)
        found = _json(await response.content.read(LARGEST_ANSWER)) if endpoint.error_at or endpoint.id_at else None
        if endpoint.error_at and found_at(found, endpoint.error_at):
            return Answer(response.status, "the provider took the request and refused the message", refused=True)
        in_header = response.headers.get(endpoint.id_header) if endpoint.id_header else None
        named = found_at(found, endpoint.id_at) if endpoint.id_at else in_header
        return Answer(response.status, provider_id=_name(named))


def _filled_in(claim: Claim, endpoint: Api) -> tuple[bytes, dict[str, str]]:
    words = said(claim.rendered or Rendered(), json.loads(claim.body)["data"], claim.message_id)
    filled = endpoint.body.fill(words)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if endpoint.form else {}
    headers = kind | {name: each.fill(words) for name, each in endpoint.headers.items()}
    return as_form(filled) if endpoint.form else as_json(filled), headers


def _answer(response: aiohttp.ClientResponse, at: int) -> Answer:
    if 200 <= response.status < 300:
        return Answer(response.status)
    wait = retry_after(response.headers.get("Retry-After"), at=at)
    return Answer(response.status, f"the receiver answered {response.status}", wait)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _name(found: Any) -> str | None:
    is_name = isinstance(found, str | int) and not isinstance(found, bool)
    return (str(found)[:200] or None) if is_name else None
