"""Segment's own Python SDK, pointed at the real application."""

import gzip
import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from segment.analytics import Client

from serving.keys import create_key
from tests.contract.running import opened, running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with opened(home) as database, database.begin() as connection:
        key = create_key(connection, "shop", frozenset({"ingest", "score"}), created_at=1)
    with running(home) as up:
        up.keys["shop"] = key
        yield up


@pytest.fixture
def send(server):
    """Return what sends calls through the SDK, and gives back what it complained about."""

    def through_the_sdk(*calls, key=None, **options):
        complaints = []
        lock = threading.Lock()

        def complain(error, batch):
            with lock:
                complaints.append((error, batch))

        client = Client(key or server.keys["shop"], host=server.url, on_error=complain, max_retries=1, **options)
        for name, values in calls:
            getattr(client, name)(**values)
        if not client.sync_mode:
            client.shutdown()
        return complaints

    return through_the_sdk


def stored(server, user_id):
    with opened(server.home) as database, database.connect() as connection:
        query = (
            "SELECT e.name, e.message_id FROM events e JOIN users u USING (user_no) WHERE u.user_key = ? ORDER BY seq"
        )
        return [tuple(row) for row in connection.exec_driver_sql(query, (user_id,))]


@pytest.mark.parametrize("options", [{}, {"gzip": True}, {"sync_mode": True}], ids=["plain", "gzip", "one by one"])
def test_every_call_of_the_sdk_arrives(server, send, options):
    user = "sdk-" + "-".join(options or ["plain"])
    complaints = send(
        ("track", {"user_id": user, "event": "Product Viewed", "properties": {"product_id": "p-1", "price": 9.5}}),
        ("page", {"user_id": user, "name": "Home", "properties": {"url": "https://shop.example"}}),
        ("screen", {"user_id": user, "name": "Home"}),
        ("group", {"user_id": user, "group_id": "g-1"}),
        ("identify", {"user_id": user, "traits": {"plan": "gold"}}),
        (
            "track",
            {"user_id": user, "event": "Order Completed", "timestamp": datetime.now(UTC), "properties": {"total": 20}},
        ),
        **options,
    )

    assert complaints == []
    names = [name for name, _ in stored(server, user)]
    assert names[0] == "Product Viewed"
    assert names[-1] == "Order Completed"
    assert len(names) == 6


def test_an_alias_links_the_ids(server, send):
    assert send(("track", {"anonymous_id": "sdk-anon", "event": "Product Viewed"})) == []
    assert send(("alias", {"previous_id": "sdk-anon", "user_id": "sdk-known"})) == []

    answer = server.ask("POST", "/v1/score", {"user_id": "sdk-known"}, key=server.keys["shop"])
    assert answer.json()["known"] is True


def test_a_batch_that_is_sent_again_is_taken_once(server, send):
    call = ("track", {"user_id": "sdk-twice", "event": "Product Viewed", "message_id": "sdk-m-1"})

    assert send(call) == []
    assert send(call) == []

    assert stored(server, "sdk-twice") == [("Product Viewed", "sdk-m-1")]


def test_a_wrong_write_key_reaches_the_caller_as_what_it_is(send):
    [(error, _)] = send(("track", {"user_id": "sdk-u", "event": "Product Viewed"}), key="opk_wrong")

    assert "key_unknown" in str(error) or "401" in str(error)


@pytest.mark.parametrize("packed", [False, True])
def test_an_older_sdk_sends_its_key_in_the_body_and_wants_exactly_200(server, packed):
    """What segment-analytics-python 2.3.4 sends: no authorization header, the key beside the batch."""
    message = {"type": "track", "userId": "sdk-old", "event": "Product Viewed", "timestamp": "2026-01-01T00:00:00Z"}
    body = {"batch": [message], "sentAt": datetime.now(UTC).isoformat(), "writeKey": server.keys["shop"]}
    text = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Content-Encoding": "gzip"} if packed else {})}
    request = urllib.request.Request(f"{server.url}/v1/batch", gzip.compress(text) if packed else text, headers)

    with urllib.request.urlopen(request) as answer:
        assert (answer.status, answer.read()) == (200, b'{"success":true}')


def test_an_error_carries_the_code_and_message_without_which_older_sdks_retry(server):
    body = json.dumps({"batch": 7, "writeKey": server.keys["shop"]}).encode()

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(f"{server.url}/v1/batch", body))

    told = json.loads(caught.value.read())
    assert caught.value.code == 400
    assert told["code"] == "invalid_field"
    assert "batch" in told["message"]
