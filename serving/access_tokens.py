"""Access tokens of providers' interfaces (OAuth 2.0, client credentials): fetched when needed, kept while valid."""

import asyncio
import base64
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote_plus, urlencode

import aiohttp

_MARGIN_S: Final = 30.0
"""So long before it expires a token is used no more: it has to last until the provider has looked at it."""
_UNSAID_S: Final = 300.0
"""How long a token is used of which nobody says when it expires; a 401 ends it sooner."""
_LONGEST_S: Final = 86_400.0
_LARGEST: Final = 65_536
"""Bytes of an answer that are looked at."""
_LONGEST: Final = 10_000
"""Characters of a token."""


class NoToken(Exception):
    """The token server gave no token; what it says holds no secret."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for tokens, and where; its address may hold a secret, too, so nothing of it is ever shown.

    Attributes:
        url: The token endpoint.
        sends: Whether id and secret go as Basic authentication or in the body (RFC 6749, 2.3.1).
        parameters: What else the token server wants to know, as pairs of name and value.
    """

    url: str = field(repr=False)
    client_id: str = field(repr=False)
    secret: str = field(repr=False)
    scope: str | None = None
    sends: Literal["basic", "body"] = "basic"
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    until: float


class AccessTokens:
    """Those of one dispatcher, by client."""

    def __init__(self) -> None:
        """Know none yet."""
        self._tokens: dict[Client, _Token] = {}
        self._asking: defaultdict[Client, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, http: aiohttp.ClientSession, client: Client) -> str:
        """Return a token that is valid for all we know (NoToken); however many ask at once, it is fetched once."""
        async with self._asking[client]:
            known = self._tokens.get(client)
            if known is None or known.until <= time.monotonic():
                known = self._tokens[client] = await _fetched(http, client)
            return known.text

    def refused(self, client: Client, token: str) -> None:
        """Forget a token that was not accepted, unless there is a newer one already."""
        known = self._tokens.get(client)
        if known is not None and known.text == token:
            del self._tokens[client]


def basic_login(user: str, password: str) -> str:
    """Return the header Authorization of a user with a password (RFC 7617); a name holds no colon."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def _fetched(http: aiohttp.ClientSession, client: Client) -> _Token:
    form = dict(client.parameters) | {"grant_type": "client_credentials"}
    if client.scope is not None:
        form["scope"] = client.scope
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if client.sends == "body":
        form |= {"client_id": client.client_id, "client_secret": client.secret}
    else:
        # Encoded first, so that a colon in either is no separator.
        headers["Authorization"] = basic_login(quote_plus(client.client_id), quote_plus(client.secret))
    async with http.post(client.url, data=urlencode(form).encode(), headers=headers, allow_redirects=False) as response:
        if response.status != 200:
            raise NoToken(f"the token server answered {response.status}")
        return _read(await response.content.read(_LARGEST))


def _read(answer: bytes) -> _Token:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        said = None
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST or not (token.isascii() and token.isprintable()):
        raise NoToken("the token server's answer holds no access_token")
    if str(said.get("token_type", "bearer")).lower() != "bearer":
        raise NoToken("the token server gives tokens of another type than bearer")
    return _Token(token, time.monotonic() + _lifetime_s(said.get("expires_in")))


def _lifetime_s(said: Any) -> float:
    try:
        asked = float(said)
    except (TypeError, ValueError):
        return _UNSAID_S
    if not 0 < asked < float("inf"):
        return _UNSAID_S
    # Of one that is short-lived, half is better than nothing.
    return min(max(asked - _MARGIN_S, asked / 2), _LONGEST_S)
