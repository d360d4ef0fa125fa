"""Tokens against a real token server: fetched once for all, kept while they are valid, and never shown."""

import asyncio
import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from serving.access_tokens import AccessTokens, Client, NoToken
from serving.courier import open_connections
from tests.serving.receivers import listening


@dataclass
class TokenServer:
    """What was asked, and what to answer; tokens are numbered."""

    status: int = 200
    answer: dict = field(default_factory=lambda: {"token_type": "Bearer", "expires_in": 3600})
    delay_s: float = 0.0
    text: str | None = None
    url: str = ""
    asked: list[tuple[dict, dict]] = field(default_factory=list)

    async def take(self, request):
        self.asked.append((dict(await request.post()), dict(request.headers)))
        await asyncio.sleep(self.delay_s)
        if self.text is not None:
            return web.Response(status=self.status, text=self.text)
        given = {"access_token": f"t0ken-{len(self.asked)}"} | self.answer
        return web.json_response(given, status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def a_token_server(**told):
    server = TokenServer(**told)
    async with listening(server.take) as address:
        server.url = f"{address}/oauth/token"
        yield server


@asynccontextmanager
async def asking(server, **options):
    """Give a function that asks for a token, and one that says a token was refused."""
    client = Client(server.url, "shop:1", "s3cret %", **options)
    tokens = AccessTokens()
    async with open_connections(timeout_s=2) as connections:
        yield (lambda: tokens.of(connections.http, client)), (lambda token: tokens.refused(client, token))


async def test_a_token_is_asked_for_as_the_specification_says():
    async with a_token_server() as server, asking(server, scope="send", parameters=(("audience", "api"),)) as (ask, _):
        assert await ask() == "t0ken-1"

    ((form, headers),) = server.asked
    assert form == {"grant_type": "client_credentials", "scope": "send", "audience": "api"}
    # RFC 6749, 2.3.1: both are form-encoded first, or the colon in the id would end it.
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"shop%3A1:s3cret+%25").decode()


async def test_id_and_secret_go_in_the_body_where_the_provider_wants_them_there():
    async with a_token_server() as server, asking(server, sends="body") as (ask, _):
        await ask()

    ((form, headers),) = server.asked
    assert form == {"grant_type": "client_credentials", "client_id": "shop:1", "client_secret": "s3cret %"}
    assert "Authorization" not in headers


async def test_however_many_ask_at_once_it_is_fetched_once():
    async with a_token_server(delay_s=0.1) as server, asking(server) as (ask, _):
        assert await asyncio.gather(*(ask() for _ in range(20))) == ["t0ken-1"] * 20

    assert len(server.asked) == 1


async def test_one_that_was_refused_is_fetched_anew_once_however_many_were_refused_with_it():
    async with a_token_server() as server, asking(server) as (ask, refused):
        first = await ask()
        refused(first)
        assert await ask() == "t0ken-2"
        refused(first)
        assert await ask() == "t0ken-2"

    assert len(server.asked) == 2


@pytest.mark.parametrize(("expires_in", "tokens"), [(0.05, 2), ("0.05", 2), (3600, 1), (None, 1), ("soon", 1), (-1, 1)])
async def test_it_is_used_until_it_expires(expires_in, tokens):
    async with a_token_server(answer={"expires_in": expires_in}) as server, asking(server) as (ask, _):
        await ask()
        await asyncio.sleep(0.1)
        await ask()

    assert len(server.asked) == tokens


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"status": 401}, "the token server answered 401"),
        ({"status": 302}, "the token server answered 302"),
        ({"text": "no JSON"}, "the token server's answer holds no access_token"),
        ({"text": "[" * 100_000}, "the token server's answer holds no access_token"),
        ({"text": "[]"}, "the token server's answer holds no access_token"),
        ({"answer": {"access_token": ""}}, "the token server's answer holds no access_token"),
        ({"answer": {"access_token": "a\r\nX: b"}}, "the token server's answer holds no access_token"),
        ({"answer": {"token_type": "mac"}}, "the token server gives tokens of another type than bearer"),
    ],
)
async def test_what_is_no_token_is_said_without_a_secret(told, says):
    async with a_token_server(**told) as server, asking(server) as (ask, _):
        with pytest.raises(NoToken) as refused:
            await ask()

    assert str(refused.value) == says
    # Nobody was sent elsewhere with the secret.
    assert len(server.asked) == 1


def test_a_client_shows_nothing_of_itself():
    shown = repr(Client("https://tokens.example/T0K3N", "shop", "s3cret"))

    assert not [each for each in ("T0K3N", "shop", "s3cret") if each in shown]
