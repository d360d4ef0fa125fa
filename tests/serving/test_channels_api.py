"""The examples of docs/channels.md against servers that check what they are asked as the providers do."""

import base64
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from serving.channels_file import read_endpoints
from serving.retry import Status
from tests.serving.receivers import listening
from tests.serving.test_courier_http import WORDS, ask

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
SECRETS = {
    "SENDGRID_KEY": "SG.s3cret",
    "TELNYX_KEY": "KEY-s3cret",
    "ONESIGNAL_KEY": "os-s3cret",
    "MAILGUN_KEY": "key-s3cret",
    "TWILIO_KEY_SID": "SK1",
    "TWILIO_KEY_SECRET": "tw-s3cret",
    "AIRSHIP_CLIENT": "client-1",
    "AIRSHIP_SECRET": "as-s3cret",
}


@dataclass
class Provider:
    """Takes what is asked in the way it is asked; answers in order, the last of them again and again."""

    answers: list[tuple[int, dict]] = field(default_factory=list)
    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    bodies: list = field(default_factory=list)
    tokens: int = 0

    async def take(self, request):
        if request.path == "/token":
            self.tokens += 1
            return web.json_response({"access_token": f"t0ken-{self.tokens}", "expires_in": 3600})
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        is_form = request.content_type == "application/x-www-form-urlencoded"
        self.bodies.append([*(await request.post()).items()] if is_form else await request.json())
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(answer, status=status, headers={"X-Message-Id": "sg-17", "Location": "/elsewhere"})


@asynccontextmanager
async def a_provider(*answers):
    provider = Provider(list(answers) or [(200, {})])
    async with listening(provider.take) as provider.url:
        yield provider


def example(name, provider, tmp_path):
    """Return the endpoint that the page shows, at this machine instead of the provider's."""
    found = re.search(rf"```yaml file={name}\.yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"the page has no example {name}"
    file = tmp_path / "channels.yaml"
    file.write_text(re.sub(r"https://[\w.]+", provider.url, found[1]), encoding="utf-8")
    endpoints, _ = read_endpoints(file, environment=SECRETS, home=tmp_path, loopback_only=True, known={})
    return endpoints[name]


def basic(said):
    return "Basic " + base64.b64encode(said.encode()).decode()


async def test_mailgun_gets_a_form_with_its_key_as_password(tmp_path):
    async with a_provider((200, {"id": "<2013@mg.shop.example>", "message": "Queued. Thank you."})) as provider:
        done = await ask(example("mailgun", provider, tmp_path))

    assert (done.follows.status, done.answer.provider_id) == (Status.DELIVERED, "<2013@mg.shop.example>")
    assert provider.paths == ["/v3/mg.shop.example/messages"]
    assert provider.headers[0]["Authorization"] == basic("api:key-s3cret")
    assert provider.bodies[0] == [
        ("from", "Shop <news@shop.example>"),
        ("to", "ada@example.com"),
        ("subject", 'She said "now" \n {{ to }}'),
        ("text", "Hello Ada"),
        ("html", "<p>Hello Ada</p>"),
        ("o:tag", "cart"),
        ("o:tag", "email"),
        # What the message has no word for is left out: here the other header of one-click.
        ("h:List-Unsubscribe", "<https://shop.example/u/t>"),
        ("v:decision_id", "64c2.cart"),
        ("v:message_id", "msg_1"),
    ]


async def test_twilio_gets_a_form_and_an_umlaut_arrives(tmp_path):
    words = type(WORDS)(to="+4930123456", sms="Dein Körbchen & mehr = 10 % 🎁")
    async with a_provider((201, {"sid": "SM7", "status": "queued"})) as provider:
        done = await ask(example("twilio", provider, tmp_path), words)

    assert (done.follows.status, done.answer.provider_id) == (Status.DELIVERED, "SM7")
    assert provider.headers[0]["Authorization"] == basic("SK1:tw-s3cret")
    assert dict(provider.bodies[0]) == {
        "From": "+15551230000",
        "To": "+4930123456",
        "Body": "Dein Körbchen & mehr = 10 % 🎁",
    }


async def test_twilio_refuses_a_number_for_good(tmp_path):
    async with a_provider((400, {"code": 21211, "message": "Invalid 'To' Phone Number"})) as provider:
        done = await ask(example("twilio", provider, tmp_path), type(WORDS)(to="+49", sms="x"))

    assert done.follows.status is Status.DEAD


async def test_airship_gets_a_token_that_was_fetched_first(tmp_path):
    words = type(WORDS)(to="channel-1", push="Your cart is waiting.")
    async with a_provider((202, {"ok": True, "push_ids": ["p-9"]})) as provider:
        done = await ask(example("airship", provider, tmp_path), words)

    assert (done.follows.status, done.answer.provider_id) == (Status.DELIVERED, "p-9")
    assert provider.headers[0]["Authorization"] == "Bearer t0ken-1"
    assert provider.headers[0]["Accept"] == "application/vnd.urbanairship+json; version=3"
    assert provider.bodies[0]["audience"] == {"channel": "channel-1"}


async def test_a_token_that_is_refused_is_fetched_anew_and_the_message_goes_out_in_the_same_attempt(tmp_path):
    words = type(WORDS)(to="channel-1", push="x")
    async with a_provider((401, {}), (202, {"push_ids": ["p-9"]})) as provider:
        done = await ask(example("airship", provider, tmp_path), words)

    assert (done.follows.status, done.claim.attempt) == (Status.DELIVERED, 1)
    assert [each["Authorization"] for each in provider.headers] == ["Bearer t0ken-1", "Bearer t0ken-2"]


async def test_a_provider_that_lets_nobody_in_is_asked_twice_and_no_more(tmp_path):
    async with a_provider((401, {})) as provider:
        done = await ask(example("airship", provider, tmp_path), type(WORDS)(to="channel-1", push="x"))

    assert (done.follows.status, done.answer.error) == (Status.PENDING, "the receiver answered 401")
    assert len(provider.bodies) == provider.tokens == 2


@pytest.mark.parametrize("name", ["sendgrid", "mailgun", "telnyx", "twilio", "onesignal", "airship"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_provider_sends_a_message_elsewhere(tmp_path, name, status):
    words = type(WORDS)(to="a@b.example", subject="x", text="x", html="x", sms="x", push="x")
    async with a_provider((status, {})) as provider:
        done = await ask(example(name, provider, tmp_path), words)

    assert (done.follows.status, done.answer.status_code) == (Status.PENDING, status)
    assert len(provider.paths) == 1
    assert "/elsewhere" not in provider.paths


@pytest.mark.parametrize("name", ["sendgrid", "telnyx", "onesignal"])
async def test_the_other_examples_are_taken_too(tmp_path, name):
    words = type(WORDS)(to="a@b.example", subject="x", text="x", html="x", sms="x", push="x")
    async with a_provider((202, {"id": "1", "data": {"id": "1"}})) as provider:
        endpoint = example(name, provider, tmp_path)
        done = await ask(endpoint, words)

    assert done.follows.status is Status.DELIVERED
    assert "s3cret" in provider.headers[0]["Authorization"]
    assert "s3cret" not in repr(endpoint)


async def test_a_form_holds_a_block_as_json_and_numbers_as_they_are_written(tmp_path):
    file = tmp_path / "channels.yaml"
    async with a_provider() as provider:
        file.write_text(
            f"endpoints: {{p: {{type: http, url: '{provider.url}', encoding: form,"
            ' body: {cart: "{{ json }}", n: 3, f: 0.5, yes: true, none: null, tags: [a, "{{ preheader }}", 2]}}}'
        )
        endpoints, _ = read_endpoints(file, environment={}, home=tmp_path, loopback_only=True, known={})
        await ask(endpoints["p"])

    form = provider.bodies[0]
    assert json.loads(dict(form)["cart"]) == {"cart": [1, 2]}
    assert form[1:] == [("n", "3"), ("f", "0.5"), ("yes", "true"), ("tags", "a"), ("tags", "2")]
