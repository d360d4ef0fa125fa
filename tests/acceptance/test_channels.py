"""From an event to a mail server, an SMS provider and a file: a whole server with a file of channels."""

import asyncio
import json

import pytest

from serving.pause import pause, resume
from tests.serving.asking import reply
from tests.serving.databases import rows
from tests.serving.mail_servers import a_mail_server
from tests.serving.receivers import receiving
from tests.serving.servers import a_server
from tests.serving.test_courier_http import a_provider

BASICS = "on: Product Added, threshold: 0, cool_down: 1h, hold_out: 0, mode: live, guards: {consent: none}"
MAIL = 'channel: email, content: {subject: "Still there, {{ profile.first_name }}?", html: "<p>Your cart waits.</p>"}'
TRIGGERS = f"""
triggers:
- {{name: by-mail, {BASICS}, {MAIL}}}
- {{name: by-sms, {BASICS}, channel: sms, content: {{sms: Your cart waits.}}}}
- {{name: by-name, {BASICS}, channel: email, endpoint: staging, content: {{subject: For the file, text: Hello}}}}
- {{name: by-hook, {BASICS}}}
"""
EITHER = f"""
triggers:
- {{name: either, {BASICS}, channel: {{prefer: [email, sms]}}, content: {{subject: Hello, text: Hello, sms: Hello}}}}
"""
CHANNELS = """
endpoints:
  mail: {{type: smtp, host: 127.0.0.1, port: {port}, tls: none, from: "Shop <news@shop.example>"}}
  texts:
    type: http
    url: {url}
    body: {{to: "{{{{ to }}}}", text: "{{{{ sms }}}}", tag: "{{{{ decision_id }}}}"}}
    message_id: {{json: id}}
  staging: {{type: file, file: messages.jsonl}}
channels: {{email: mail, sms: texts}}
"""
TRAITS = {"email": "ada@example.com", "phone": "+4930123456", "first_name": "Ada"}


async def send(server, *events):
    sent = {"host": "127.0.0.1:8000", "content-type": "application/json"}
    body = json.dumps({"batch": [{"messageId": f"m-{n}-{each['userId']}", **each} for n, each in enumerate(events)]})
    answer = await reply(server.edge(), "POST", "/v1/batch", sent, [body.encode()])
    assert answer.status == 200


def identified(user, **traits):
    return {"type": "identify", "userId": user, "traits": traits}


def added(user):
    return {"type": "track", "event": "Product Added", "userId": user, "properties": {"product_id": "p", "price": 2}}


@pytest.fixture
def serve(tmp_path):
    """Put a server together, with these endpoints."""

    def put_together(*, port, url, hook, policy=TRIGGERS, **settings):
        (tmp_path / "triggers.yaml").write_text(policy)
        (tmp_path / "channels.yaml").write_text(CHANNELS.format(port=port, url=url))
        return a_server(tmp_path, channels=tmp_path / "channels.yaml", webhook_url=hook, **settings)

    return put_together


async def settled(server, count):
    """Wait until that many messages are delivered or given up; return how they stand."""
    async with asyncio.timeout(20):
        while True:
            found = rows(server.database, "SELECT trigger, endpoint, status, last_error FROM outbox ORDER BY trigger")
            if len(found) == count and all(status != "pending" for _, _, status, _ in found):
                return found
            await asyncio.sleep(0.02)


async def test_each_message_goes_where_its_channel_does_unless_its_trigger_says_otherwise(serve, tmp_path):
    async with a_mail_server() as mail, a_provider(status=200, answer='{"id": "sms-7"}') as texts, receiving() as hook:
        server = serve(port=mail.port, url=texts.url, hook=hook.url, public_url="https://shop.example/")
        async with server.life(None):
            await send(server, identified("ada", **TRAITS), added("ada"))
            standing = await settled(server, 4)

    assert [(trigger, endpoint, status) for trigger, endpoint, status, _ in standing] == [
        ("by-hook", "default", "delivered"),
        ("by-mail", "mail", "delivered"),
        ("by-name", "staging", "delivered"),
        ("by-sms", "texts", "delivered"),
    ]
    [letter] = mail.mails
    assert (letter["To"], letter["Subject"]) == ("ada@example.com", "Still there, Ada?")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["List-Unsubscribe"].startswith("<https://shop.example/")
    [(asked, _)] = texts.asked
    assert (asked["to"], asked["text"]) == ("+4930123456", "Your cart waits.")
    assert asked["tag"].endswith(".by-sms")
    [line] = (tmp_path / "sent" / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["subject"] == "For the file"
    assert hook.bodies[0]["data"]["trigger"] == "by-hook"


async def test_whoever_has_no_address_is_told_apart_and_delays_nobody(serve):
    async with a_mail_server() as mail, a_provider(status=200) as texts, receiving() as hook:
        server = serve(port=mail.port, url=texts.url, hook=hook.url)
        async with server.life(None):
            await send(server, added("eve"), identified("ada", **TRAITS), added("ada"))
            standing = await settled(server, 8)

    assert sorted((trigger, status) for trigger, _, status, _ in standing) == [
        ("by-hook", "delivered"),
        ("by-hook", "delivered"),
        ("by-mail", "dead"),
        ("by-mail", "delivered"),
        ("by-name", "dead"),
        ("by-name", "delivered"),
        ("by-sms", "dead"),
        ("by-sms", "delivered"),
    ]
    assert {error.partition(":")[0] for *_, status, error in standing if status == "dead"} == {"no_address"}
    assert len(mail.mails) == 1


async def test_what_no_endpoint_is_configured_for_is_missing_by_its_channel(serve, tmp_path):
    server = serve(port=25, url="http://127.0.0.1:9/", hook="http://127.0.0.1:9/")
    assert [each for each in server._missing() if "endpoint" in each] == []
    server.close()
    (tmp_path / "triggers.yaml").write_text(TRIGGERS.replace("staging", "letters"))

    bare = a_server(tmp_path, channels=tmp_path / "channels.yaml", webhook_url=None, webhook_secret=None)
    assert [each.partition(":")[0] for each in bare._missing() if "endpoint" in each] == [
        "an endpoint named default",
        "an endpoint named letters",
    ]
    bare.close()


SENT = "SELECT channel, status, last_error FROM outbox ORDER BY channel"


async def test_what_the_mail_server_refuses_for_good_goes_out_by_sms(serve):
    async with a_mail_server(to_recipient="550 No such user") as mail, a_provider(status=200) as texts:
        server = serve(port=mail.port, url=texts.url, hook="http://127.0.0.1:9/", policy=EITHER)
        async with server.life(None):
            await send(server, identified("ada", **TRAITS), added("ada"))
            await settled(server, 2)
            # The cool-down and the caps count one message, that of the channel it took in the end.
            assert rows(server.database, "SELECT channel FROM sends") == [("sms",)]
            assert rows(server.database, SENT) == [
                ("email", "dead", "the mail server refused the recipient: 550"),
                ("sms", "delivered", None),
            ]

    assert [asked["to"] for asked, _ in texts.asked] == ["+4930123456"]


async def test_whoever_has_no_address_for_the_first_channel_is_reached_on_the_second(serve):
    async with a_mail_server() as mail, a_provider(status=200) as texts:
        server = serve(port=mail.port, url=texts.url, hook="http://127.0.0.1:9/", policy=EITHER)
        async with server.life(None):
            await send(server, identified("bob", phone="+4930654321"), added("bob"))
            standing = await settled(server, 2)

    assert [status for _, _, status, _ in standing] == ["dead", "delivered"]
    assert [asked["to"] for asked, _ in texts.asked] == ["+4930654321"]
    assert mail.raw == []


async def test_what_waits_for_an_endpoint_that_is_gone_goes_out_by_sms(serve):
    by_hook = EITHER.replace("[email, sms]", "[webhook, sms]")
    async with receiving(410) as hook, a_provider(status=200) as texts:
        server = serve(port=9, url=texts.url, hook=hook.url, policy=by_hook)
        async with server.life(None):
            people = ["ada", "bob", "eve"]
            await send(server, *(identified(each, **TRAITS) for each in people), added("ada"))
            await settled(server, 2)
            await send(server, *(added(each) for each in people[1:]))
            await settled(server, 6)
            assert rows(server.database, "SELECT channel, count(*) FROM sends GROUP BY 1") == [("sms", 3)]
            standing = rows(server.database, "SELECT channel, status, count(*) FROM outbox GROUP BY 1, 2")

    assert standing == [("sms", "delivered", 3), ("webhook", "dead", 3)]
    assert (len(hook.ids), len(texts.asked)) == (1, 3)


async def test_where_both_channels_go_to_an_endpoint_that_is_gone_the_message_ends(serve):
    both = EITHER.replace("[email, sms]", "[webhook, push]")
    async with receiving(410) as hook, a_provider(status=200) as texts:
        server = serve(port=9, url=texts.url, hook=hook.url, policy=both)
        async with server.life(None):
            await send(server, identified("ada", **TRAITS), added("ada"))
            standing = await settled(server, 2)

    assert [(status, "410" in error) for _, _, status, error in standing] == [("dead", True), ("dead", True)]
    assert len(hook.ids) == 1


async def test_whose_address_bounced_meanwhile_for_somebody_else_is_reached_by_sms(serve):
    async with a_mail_server() as mail, a_provider(status=200) as texts:
        server = serve(port=mail.port, url=texts.url, hook="http://127.0.0.1:9/", policy=EITHER)
        async with server.life(None):
            await server.engine.write(lambda connection: pause(connection, at=0))
            await send(server, identified("ada", **TRAITS), identified("eve", email=TRAITS["email"]), added("ada"))
            bounced = {"type": "track", "event": "Email Bounced", "userId": "eve"}
            await send(server, {**bounced, "properties": {"email": TRAITS["email"]}})
            await server.engine.write(resume)
            standing = await settled(server, 2)

    assert [(status, (error or "")[:10]) for _, _, status, error in standing] == [
        ("withdrawn", "suppressed"),
        ("delivered", ""),
    ]
    assert [asked["to"] for asked, _ in texts.asked] == [TRAITS["phone"]]


async def test_a_channel_that_guards_forbid_is_no_way_out(serve):
    async with a_mail_server(to_recipient="550 No such user") as mail, a_provider(status=200) as texts:
        server = serve(
            port=mail.port,
            url=texts.url,
            hook="http://127.0.0.1:9/",
            policy=EITHER.replace("consent: none", "consent: legitimate_interest"),
        )
        async with server.life(None):
            refuses = identified("ada", **TRAITS, consents={"marketing:sms": False})
            await send(server, refuses, added("ada"))
            standing = await settled(server, 2)

    assert [status for _, _, status, _ in standing] == ["dead", "withdrawn"]
    assert texts.asked == []
