"""E-mails against a real mail server that takes them, refuses them for now or for good, or is slow."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from serving import outbox
from serving.dispatcher import Dispatcher
from serving.endpoints import Lines, Smtp, webhook
from serving.message import Message
from serving.rendered import Rendered, Unrenderable
from tests.serving.databases import OwnTransactions, database, rows
from tests.serving.mail_servers import a_mail_server
from tests.serving.receivers import SECRET, free_port, receiving
from tests.serving.test_dispatcher import attempts, clock, running, standing

__all__ = ["attempts", "clock", "database"]
LINK = "https://shop.example/u/" + "t0ken" * 40
HEADERS = {"List-Unsubscribe": f"<{LINK}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def mail_to(server, **options):
    given = {"tls": "none", "sender": Address("Läden & Söhne", addr_spec="news@shop.example")} | options
    return Smtp("mail", "127.0.0.1", getattr(server, "port", server), **given)


def saying(**words):
    """Render every message so; the number of the message is in its address."""
    given = {"subject": "Your cart – still there?", "text": "Hello ♥\n", "html": "<p>Hello ♥</p>"} | words

    def render(_connection, claims):
        return {
            each.message_id: Rendered(**{"to": f"u{json.loads(each.body)['n']}@example.com", **given})
            for each in claims
        }

    return render


def dispatching(database, clock, attempts, endpoints, render, **options):
    """Run a dispatcher that sends what `render` makes of its messages."""
    named = {each.name: each for each in endpoints}
    writer = OwnTransactions(database)
    return running(Dispatcher(writer, named, wall=clock, observe=attempts, render=render, **options))


def enqueue(database, clock, *numbers, to="mail", channel="email"):
    messages = [
        Message(f"msg_{to}_{n}", f"d{n}.cart", to, json.dumps({"n": n, "data": {}}), clock(), channel=channel)
        for n in numbers
    ]
    with database.begin() as connection:
        outbox.enqueue(connection, messages, at=clock())


async def test_an_email_has_both_parts_and_the_headers_of_one_click(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        a_mail_server() as server,
        dispatching(database, clock, attempts, [mail_to(server)], saying(headers=HEADERS)),
    ):
        await attempts.number(1)

    (mail,) = server.mails
    assert standing(database) == [("delivered", 1, None)]
    assert server.recipients == [["u1@example.com"]]
    assert mail["From"].addresses[0].display_name == "Läden & Söhne"
    assert (mail["To"], mail["Subject"]) == ("u1@example.com", "Your cart – still there?")
    assert mail["Message-ID"] == "<msg_mail_1@shop.example>"
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_body(("plain",)).get_content().splitlines() == ["Hello ♥"]
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hello ♥</p>"
    # A mail program must find the link as it is, on one line: folded or encoded it is none.
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in server.raw[0]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in server.raw[0]


async def test_without_a_link_there_is_no_header_for_it(database, clock, attempts):
    enqueue(database, clock, 1)
    async with a_mail_server() as server, dispatching(database, clock, attempts, [mail_to(server)], saying()):
        await attempts.number(1)

    assert b"List-Unsubscribe" not in server.raw[0]


async def test_what_is_refused_for_now_is_sent_again_byte_by_byte(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        a_mail_server(to_data="451 Try again later") as server,
        dispatching(database, clock, attempts, [mail_to(server)], saying(headers=HEADERS)) as dispatcher,
    ):
        await attempts.number(1)
        assert standing(database) == [("pending", 1, "the mail server refused the message: 451")]
        server.to_data = "250 OK"
        clock.forward(5)
        dispatcher.wake()
        await attempts.number(2)

    refused, taken = server.raw
    assert standing(database) == [("delivered", 2, None)]
    assert refused == taken


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"to_recipient": "550 No such user u1@example.com"}, "the mail server refused the recipient: 550"),
        ({"to_data": "554 Looks like spam"}, "the mail server refused the message: 554"),
    ],
)
async def test_what_is_refused_for_good_is_dead_at_once(database, clock, attempts, told, says):
    enqueue(database, clock, 1)
    async with a_mail_server(**told) as server, dispatching(database, clock, attempts, [mail_to(server)], saying()):
        await attempts.number(1)

    assert standing(database) == [("dead", 1, says)]
    assert rows(database, "SELECT status_code FROM deliveries") == [(int(says[-3:]),)]


async def test_a_recipient_refused_for_now_is_tried_again(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        a_mail_server(to_recipient="450 Greylisted") as server,
        dispatching(database, clock, attempts, [mail_to(server)], saying()),
    ):
        await attempts.number(1)

    assert standing(database) == [("pending", 1, "the mail server refused the recipient: 450")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"to": None}, "no_address: the message has no address"),
        ({"to": "nobody"}, "no_address: what should be the address of the person is none"),
        ({"to": "a@example.com, b@example.com"}, "no_address: what should be the address of the person is none"),
        ({"to": "a@example.com\r\nBcc: b@example.com"}, "no_address: what should be the address of the person is none"),
        ({"text": None, "html": None}, "no_content: the message has neither text nor html"),
    ],
)
async def test_what_is_no_email_is_never_sent(database, clock, attempts, words, says):
    enqueue(database, clock, 1)
    async with a_mail_server() as server, dispatching(database, clock, attempts, [mail_to(server)], saying(**words)):
        await attempts.number(1)

    assert server.raw == []
    assert standing(database) == [("dead", 1, says)]


async def test_what_cannot_be_put_into_words_is_dead_without_an_attempt(database, clock, attempts):
    enqueue(database, clock, 1, 2)

    def render(_connection, claims):
        found = saying()(_connection, claims)
        return found | {"msg_mail_1": Unrenderable("no_address", "the profile has no email")}

    async with a_mail_server() as server, dispatching(database, clock, attempts, [mail_to(server)], render):
        await attempts.number(1)

    assert standing(database) == [("dead", 0, "no_address: the profile has no email"), ("delivered", 1, None)]


async def test_templates_that_break_hold_nobody_else_up(database, clock, attempts):
    enqueue(database, clock, 1)
    enqueue(database, clock, 2, to="hook", channel="webhook")

    def render(_connection, _claims):
        raise RuntimeError("a bug")

    async with a_mail_server() as server, receiving() as receiver:
        endpoints = [mail_to(server), webhook("hook", receiver.url, SECRET)]
        async with dispatching(database, clock, attempts, endpoints, render):
            await attempts.number(1)

    assert receiver.ids == ["msg_hook_2"]
    assert standing(database)[1] == (
        "pending",
        0,
        "not_rendered: the templates could not be filled in; it is tried again",
    )


async def test_the_password_is_needed_where_it_is_asked_for(database, clock, attempts, caplog):
    caplog.set_level("DEBUG")
    enqueue(database, clock, 1)
    async with a_mail_server(login=True) as server:
        wrong = mail_to(server, username="shop", password="wr0ng-password")
        async with dispatching(database, clock, attempts, [wrong], saying()):
            await attempts.number(1)
        assert standing(database) == [("pending", 1, "the mail server refused the login: 535")]
        clock.forward(5)
        right = mail_to(server, username="shop", password="s3cret-password")
        async with dispatching(database, clock, attempts, [right], saying()):
            await attempts.number(2)

    assert standing(database) == [("delivered", 2, None)]
    assert server.logins[-1] == "shop"
    assert "password" not in repr(right) + repr(wrong)
    assert "s3cret" not in caplog.text
    assert "u1@example.com" not in "".join(each.getMessage() for each in caplog.records if each.name.startswith("serv"))


async def test_a_server_without_starttls_gets_no_mail_where_it_is_wanted(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        a_mail_server() as server,
        dispatching(database, clock, attempts, [mail_to(server, tls="starttls")], saying()),
    ):
        await attempts.number(1)

    assert server.raw == []
    assert standing(database)[0][:2] == ("pending", 1)


async def test_a_dead_or_slow_mail_server_delays_nobody_else(database, clock, attempts):
    enqueue(database, clock, *range(20))
    enqueue(database, clock, *range(20), to="dead")
    enqueue(database, clock, *range(20), to="quick")
    async with a_mail_server(delay_s=3.0) as slow, a_mail_server() as quick:
        endpoints = [
            mail_to(slow, concurrency=2),
            Smtp("dead", "127.0.0.1", free_port(), "none", mail_to(slow).sender, concurrency=2),
            Smtp("quick", "127.0.0.1", quick.port, "none", mail_to(slow).sender, concurrency=4),
        ]
        began = asyncio.get_running_loop().time()
        async with dispatching(database, clock, attempts, endpoints, saying(), timeout_s=4.0):
            async with asyncio.timeout(10):
                while len(quick.mails) < 20:
                    await asyncio.sleep(0.01)
            took_s = asyncio.get_running_loop().time() - began
            standing_of = {
                name: rows(database, f"SELECT count(*) FROM deliveries WHERE message_id LIKE 'msg_{name}_%'")[0][0]
                for name in ("mail", "dead")
            }

    # Two of the slow server's alone would take three seconds.
    assert took_s < 2.5
    assert standing_of["mail"] == 0
    # The dead one was given up after five in a row, whatever else waits for it.
    assert 0 < standing_of["dead"] <= 6


async def test_what_names_no_endpoint_goes_to_that_of_its_channel(database, clock, attempts):
    enqueue(database, clock, 1, to="default")
    enqueue(database, clock, 2, to="default", channel="webhook")
    async with a_mail_server() as server, receiving() as receiver:
        endpoints = [mail_to(server), webhook("default", receiver.url, SECRET)]
        async with dispatching(database, clock, attempts, endpoints, saying(), channels={"email": "mail"}):
            await attempts.number(2)

    assert [mail["Message-ID"] for mail in server.mails] == ["<msg_default_1@shop.example>"]
    assert receiver.ids == ["msg_default_2"]


async def test_a_file_gets_a_line_for_each_message_and_nobody_gets_anything(database, clock, attempts, tmp_path):
    enqueue(database, clock, 1, 2, to="staging")
    staging = Lines("staging", tmp_path / "sent" / "messages.jsonl")
    async with dispatching(database, clock, attempts, [staging], saying(headers=HEADERS)):
        await attempts.number(2)

    lines = [json.loads(line) for line in staging.path.read_text(encoding="utf-8").splitlines()]
    assert [(each["message_id"], each["to"]) for each in lines] == [
        ("msg_staging_1", "u1@example.com"),
        ("msg_staging_2", "u2@example.com"),
    ]
    assert lines[0]["subject"] == "Your cart – still there?"
    assert lines[0]["headers"] == HEADERS
    assert staging.path.stat().st_mode & 0o077 == 0


def a_certificate(folder):
    """Make a certificate of this machine; return its file and what a server speaks TLS with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context


async def test_starttls_encrypts_before_anything_is_said_and_asks_whom_it_speaks_to(
    database, clock, attempts, tmp_path, monkeypatch
):
    certificate, context = a_certificate(tmp_path)
    enqueue(database, clock, 1)
    async with a_mail_server(login=True, tls=context) as server:
        endpoint = mail_to(server, tls="starttls", username="shop", password="s3cret-password")
        async with dispatching(database, clock, attempts, [endpoint], saying()):
            await attempts.number(1)
        assert (server.logins, server.raw) == ([], [])
        # Whoever's certificate nobody vouches for gets neither password nor mail.
        assert standing(database)[0][:2] == ("pending", 1)

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        clock.forward(5)
        async with dispatching(database, clock, attempts, [endpoint], saying()):
            await attempts.number(2)

    assert standing(database) == [("delivered", 2, None)]
    assert server.logins == ["shop"]
