"""Providers' HTTP interfaces against a real server that notes what it is asked and answers as they do."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from serving.channels_file import read_endpoints
from serving.claims import Claim
from serving.clock import wall
from serving.courier import attempt, open_connections
from serving.rendered import Rendered
from serving.retry import Status
from tests.serving.receivers import listening

WORDS = Rendered(
    to="ada@example.com",
    subject='She said "now" \n {{ to }}',
    text="Hello Ada",
    html="<p>Hello Ada</p>",
    headers={"List-Unsubscribe": "<https://shop.example/u/t>"},
    json={"cart": [1, 2]},
)
DATA = {"user_id": "u-1", "anonymous_id": None, "decision_id": "64c2.cart", "trigger": "cart", "channel": "email"}
MAIL = """
endpoints:
  mail:
    type: http
    url: {url}
    headers:
      Authorization: {{secret_env: MAIL_KEY, before: "Bearer "}}
      Idempotency-Key: "{{{{ message_id }}}}"
    body:
      personalizations:
        - to: [{{email: "{{{{ to }}}}"}}]
          headers: "{{{{ headers }}}}"
          custom_args: {{decision_id: "{{{{ decision_id }}}}", user: "{{{{ anonymous_id }}}}"}}
      subject: "{{{{ subject }}}}"
      content:
        - {{type: text/plain, value: "{{{{ text }}}}"}}
        - {{type: text/html, value: "{{{{ html }}}}"}}
      data: "{{{{ json }}}}"
      note: "To {{{{ to }}}}, by {{{{ trigger }}}}"
      sandbox: true
    {rest}
"""


@dataclass
class Provider:
    """What was asked, and what to answer."""

    status: int = 202
    answer: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    asked: list[tuple[dict, dict]] = field(default_factory=list)

    async def take(self, request):
        self.asked.append((await request.json(), dict(request.headers)))
        return web.Response(status=self.status, text=self.answer, headers=self.headers)


@asynccontextmanager
async def a_provider(**told):
    provider = Provider(**told)
    async with listening(provider.take) as address:
        provider.url = f"{address}/v3/send"
        yield provider


def endpoint_of(tmp_path, url, rest="message_id: {header: X-Message-Id}"):
    file = tmp_path / "channels.yaml"
    file.write_text(MAIL.format(url=url, rest=rest))
    environment = {"MAIL_KEY": "SG.s3cret"}
    found, _ = read_endpoints(file, environment=environment, home=tmp_path, loopback_only=True, known={})
    return found["mail"]


async def ask(endpoint, rendered=WORDS):
    claim = Claim("msg_1", "mail", json.dumps({"data": DATA}), 1, wall(), rendered=rendered)
    async with open_connections(timeout_s=2) as connections, asyncio.timeout(10):
        return await attempt(connections, claim, endpoint, wall)


async def test_a_provider_is_asked_as_its_interface_wants_it(tmp_path):
    async with a_provider(headers={"X-Message-Id": "sg-17"}) as provider:
        done = await ask(endpoint_of(tmp_path, provider.url))

    ((body, headers),) = provider.asked
    assert (done.follows.status, done.answer.provider_id) == (Status.DELIVERED, "sg-17")
    assert headers["Authorization"] == "Bearer SG.s3cret"
    assert headers["Idempotency-Key"] == "msg_1"
    assert headers["Content-Type"] == "application/json"
    # What has no value is left out, and no text of the message is itself a template, or breaks the JSON.
    assert body == {
        "personalizations": [
            {
                "to": [{"email": "ada@example.com"}],
                "headers": {"List-Unsubscribe": "<https://shop.example/u/t>"},
                "custom_args": {"decision_id": "64c2.cart"},
            }
        ],
        "subject": 'She said "now" \n {{ to }}',
        "content": [{"type": "text/plain", "value": "Hello Ada"}, {"type": "text/html", "value": "<p>Hello Ada</p>"}],
        "data": {"cart": [1, 2]},
        "note": "To ada@example.com, by cart",
        "sandbox": True,
    }


@pytest.mark.parametrize(
    ("answer", "found"),
    [('{"data": [{"id": "t-9"}]}', "t-9"), ('{"data": [{"id": 9}]}', "9"), ("{}", None), ("no JSON", None)],
)
async def test_the_providers_id_is_read_from_its_answer(tmp_path, answer, found):
    async with a_provider(status=200, answer=answer) as provider:
        done = await ask(endpoint_of(tmp_path, provider.url, "message_id: {json: data.0.id}"))

    assert (done.follows.status, done.answer.provider_id) == (Status.DELIVERED, found)


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        (400, Status.DEAD),
        (422, Status.DEAD),
        (410, Status.DEAD),
        (401, Status.PENDING),
        (429, Status.PENDING),
        (500, Status.PENDING),
        (302, Status.PENDING),
    ],
)
async def test_what_is_wrong_with_the_message_ends_it_and_all_else_is_tried_again(tmp_path, status, follows):
    async with a_provider(status=status) as provider:
        done = await ask(endpoint_of(tmp_path, provider.url))

    assert done.follows.status is follows
    # One dead device is no reason to disable the provider.
    assert done.follows.gone is False
    assert done.answer.error == f"the receiver answered {status}"


async def test_a_provider_says_how_long_to_wait(tmp_path):
    async with a_provider(status=429, headers={"Retry-After": "60"}) as provider:
        done = await ask(endpoint_of(tmp_path, provider.url))

    assert done.follows.quiet_until >= done.at + 60_000_000


async def test_a_refusal_within_a_success_is_a_refusal(tmp_path):
    async with a_provider(status=200, answer='{"id": "", "errors": ["not subscribed"]}') as provider:
        done = await ask(endpoint_of(tmp_path, provider.url, "error_at: errors"))

    assert (done.follows.status, done.answer.error) == (
        Status.DEAD,
        "the provider took the request and refused the message",
    )


async def test_an_answer_names_a_message_only_where_the_endpoint_says_that_it_does(tmp_path):
    async with a_provider(status=200, answer='"taken"') as provider:
        done = await ask(endpoint_of(tmp_path, provider.url, "error_at: errors"))

    assert (done.follows.status, done.answer.provider_id) == (Status.DELIVERED, None)


async def test_a_text_that_cannot_be_filled_in_ends_the_message_before_anybody_is_asked(tmp_path):
    async with a_provider() as provider:
        done = await ask(endpoint_of(tmp_path, provider.url), Rendered(to=None))

    assert provider.asked == []
    assert done.follows.status is Status.DEAD
    assert done.answer.error.startswith("a template of the endpoint cannot be filled in: ")
