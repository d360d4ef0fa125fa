"""Clients that offer HTTP/2 on a plain connection, as Java's and curl's do, and clients that do not end a request."""

import asyncio
import json
import socket
import time
from contextlib import suppress

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from serving.http1 import Http1
from tests.contract.running import running

OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("home")) as started:
        yield started


def request(message_id, offer=OFFER, note=""):
    body = json.dumps({"userId": "u-1", "event": "Product Viewed", "messageId": message_id, "note": note})
    head = f"POST /v1/track HTTP/1.1\r\nHost: localhost\r\n{offer}Content-Length: {len(body)}\r\n\r\n"
    return head.encode(), body.encode()


def answers(server, *parts):
    """Send the parts one after the other, and return the statuses of what comes back."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)
        connection.settimeout(20)
        found = b""
        while b'{"success":true}' not in found[-20:] and b"problem+json" not in found:
            found += connection.recv(65536)
    return [int(line.split()[1]) for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.1")]


def test_the_offer_is_declined_and_the_request_answered(server):
    head, body = request("h2c-1")

    assert answers(server, head + body) == [200]
    assert answers(server, *request("h2c-2")) == [200]


def test_the_connection_goes_on_as_it_was(server):
    first, second = (b"".join(request(f"h2c-{each}", offer)) for each, offer in [(3, OFFER), (4, "")])

    assert answers(server, first, second)[-1] == 200


def test_who_only_speaks_of_it_is_left_alone(server):
    head, body = request("h2c-5", offer="X-Note: h2c\r\nX-Upgrade: kept\r\n", note="\\r\\nUpgrade: h2c")

    assert answers(server, head + body) == [200]
    exported = server.ask("GET", "/v1/users/u-1/export").json()
    assert sum("Upgrade: h2c" in json.dumps(each) for each in exported["tables"]["events"]) == 1


@pytest.mark.parametrize("head", [b"GET /healthz HTTP/1.1\r\nX-Long: ", b"GET /healthz?", b"GET /healthz HTTP/1.1\r\n"])
def test_a_head_without_end_is_refused_instead_of_kept(server, head):
    with socket.create_connection(("127.0.0.1", server.port)) as connection, suppress(ConnectionError):
        connection.sendall(head)
        time.sleep(0.05)
        for _ in range(1000):
            connection.sendall(b"X-Many: y\r\n" * 1000 if head.endswith(b"\n") else b"y" * 10_000)
        pytest.fail("ten million bytes were taken")
    assert server.ask("GET", "/healthz").status == 200


def test_who_sends_too_long_a_head_is_told(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Long: ")
        time.sleep(0.05)
        connection.sendall(b"y" * 60_000)
        time.sleep(0.05)
        connection.sendall(b"y" * 6_000)
        connection.settimeout(20)
        found = connection.recv(65536)
    assert found.startswith(b"HTTP/1.1 431 ")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["code"] == "head_too_large"


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v1/tr", request("late-1", "")[0], request("late-2", "")[0] + b'{"userId"']
)
def test_who_does_not_end_a_request_is_hung_up_on(server, monkeypatch, sent):
    monkeypatch.setattr("serving.http1.WHOLE_WITHIN_S", 0.3)
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
        connection.settimeout(20)
        with suppress(ConnectionResetError):
            assert connection.recv(65536) == b""
    assert time.monotonic() - begun >= 0.25


def test_who_takes_a_moment_is_answered_and_may_go_on_for_as_long_as_they_like(server, monkeypatch):
    monkeypatch.setattr("serving.http1.WHOLE_WITHIN_S", 0.5)
    head, body = request("slow-1", "")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for part in (head, body[:9], body[9:], b"".join(request("slow-2", ""))):
            connection.sendall(part)
            time.sleep(0.2)
        connection.settimeout(20)
        found = connection.recv(65536)
    assert found.count(b"HTTP/1.1 200") == 2


class Wire(asyncio.Transport):
    """A connection of which it is known what was written when."""

    def __init__(self):
        super().__init__()
        self.writes = []

    def write(self, data):
        self.writes.append(bytes(data))

    def is_closing(self):
        return False

    def set_protocol(self, protocol):
        pass


def test_an_answer_is_one_write_and_a_streamed_one_waits_for_nothing():
    async def app(scope, receive, send):
        await receive()
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/slowly":
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b"body"})

    async def play():
        config = Config(app, lifespan="off", access_log=False)
        config.load()
        protocol, wire = Http1(config, ServerState(), {}), Wire()
        protocol.connection_made(wire)
        for path in (b"/", b"/slowly"):
            protocol.data_received(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path)
            await asyncio.sleep(0.05)
        return wire.writes

    whole, head, body = asyncio.run(play())
    assert whole == head + body
    assert body == b"body"
