"""A mail client's one click on a real server, whose links outlive it; a scanner that looks at everything beside it."""

import http.client
import json
from types import SimpleNamespace

import pytest

from serving.driver import driver
from serving.tokens import tokens_of
from tests.contract.running import a_key, opened, running

POLICY = """
format: 1
triggers:
  - name: cart
    on: Product Added
    horizon: 24h
    threshold: 0%
    cool_down: 1s
    channel: email
    guards: {consent: legitimate_interest}
    hold_out: {share: 0.001, salt: test}
    mode: live
"""
BOUNDARY = "----boundary"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--{BOUNDARY}--\r\n'
).encode()


@pytest.fixture
def home(tmp_path):
    (tmp_path / "triggers.yaml").write_text(POLICY)
    return SimpleNamespace(
        path=tmp_path, key=a_key(tmp_path, "admin"), settings={"triggers": tmp_path / "triggers.yaml"}
    )


def pending(server, key):
    """Add something to a cart, and return the id and the status of the message that waits."""
    call = {"userId": "u-1", "event": "Product Added", "properties": {"product_id": "p-1"}}
    assert server.ask("POST", "/v1/track", call, key=key).status == 200
    return messages(server, key)[0]


def messages(server, key):
    decisions = server.ask("GET", "/v1/decisions?user_id=u-1", key=key).json()
    found = json.dumps(decisions)
    assert "cart" in found, found
    with opened(server.home) as database, database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT message_id, status, last_error FROM outbox ORDER BY rowid").all()
    return [tuple(row) for row in rows]


def token_of(home, message_id):
    with opened(home.path) as database, database.connect() as connection:
        tokens = tokens_of(driver(connection), None)
        return tokens.unsubscribe("u-1", "email", "marketing", message_id)


def test_one_post_takes_back_what_waits_and_a_link_outlives_the_server_that_made_it(home):
    with running(home.path, **home.settings) as server:
        message_id, status, _ = pending(server, home.key)
        assert status == "pending"
    path = f"/u/{token_of(home, message_id)}"

    with running(home.path, **home.settings) as server:
        looked = [server.ask(method, path).status for method in ("GET", "HEAD", "GET")]
        assert looked == [200, 200, 200]
        assert messages(server, home.key)[0][1] == "pending"

        answer = server.ask("POST", path, MULTIPART, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")

        assert (answer.status, "location" in answer.headers, "set-cookie" in answer.headers) == (200, False, False)
        assert messages(server, home.key) == [(message_id, "withdrawn", "suppressed: unsubscribed")]
        [entry] = server.ask("GET", "/v1/suppressions", key=home.key).json()["suppressions"]
        assert (entry["user_id"], entry["channel"], entry["reason"]) == ("u-1", "email", "unsubscribed")


def test_a_browser_sends_the_form_of_the_page_and_reads_that_it_is_done(home):
    with running(home.path, **home.settings) as server:
        path = f"/u/{token_of(home, 'msg_1')}"
        page = server.ask("GET", path)
        assert b'<form method="post">' in page.body
        done = server.ask("POST", path, b"List-Unsubscribe=One-Click", Content_Type="application/x-www-form-urlencoded")

        assert done.status == 200
        assert b"<h1>You are unsubscribed</h1>" in done.body


def test_a_body_that_is_too_large_or_badly_packed_unsubscribes_nobody_and_breaks_nothing(home):
    with running(home.path, **home.settings) as server:
        path = f"/u/{token_of(home, 'msg_1')}"

        assert server.ask("POST", path, b"x" * 100_000).status == 413
        assert server.ask("POST", path, b"no gzip", Content_Encoding="gzip").status == 400
        assert server.ask("GET", "/v1/suppressions", key=home.key).json()["suppressions"] == []


def test_the_picture_is_always_there(home):
    with running(home.path, **home.settings) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for path in ("/v1/pixel/track?data=%%%", "/v1/pixel/%00", "/track", "/o/x.gif"):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:6]) == (200, b"GIF89a"), path
        connection.close()
