"""Clients that offer HTTP/2 on a plain connection, as Java's and curl's do."""

import json
import socket
import time

import pytest

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
    """Send the parts one after the other, and return the statuses of what comes back within a second."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)
        connection.settimeout(1)
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
