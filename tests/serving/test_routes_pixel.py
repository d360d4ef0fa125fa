"""Events by picture: always answered with the same point, and taken in by the same rules as any other."""

import base64
import gzip
import json
from hashlib import sha256

import pytest

from serving import pages
from serving.api import Limits
from serving.errors import Overloaded
from serving.limits import Allowance
from serving.pixel import GIF
from tests.serving.asking import site, site_with_keys
from tests.serving.databases import a_database, database

__all__ = ["database", "site"]
CALL = {"userId": "u-1", "event": "Product Viewed", "properties": {"product_id": "p-1"}, "messageId": "m-1"}
DEEP = b'{"a":' * 99 + b"1" + b"}" * 99
LARGEST_SCRIPT = 3 * 1024


@pytest.fixture
def locked(tmp_path):
    with a_database(tmp_path) as database:
        yield site_with_keys(database)


def packed(content):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.b64encode(text).decode()


def is_point(answer):
    return (answer.status, answer.headers["content-type"], answer.body) == (200, "image/gif", GIF)


@pytest.mark.parametrize(
    "data",
    [
        packed(CALL),
        packed(CALL).rstrip("="),
        packed({**CALL, "properties": {"product_id": "p-1", "name": "~~~???"}}).replace("+", " "),
        packed({**CALL, "properties": {"product_id": "p-1", "name": "~~~???"}}).replace("+", "-").replace("/", "_"),
    ],
    ids=["as Segment has it", "without padding", "plus became a space", "for addresses"],
)
def test_a_message_in_base64_is_taken_in(site, data):
    answer = site.ask("GET", f"/v1/pixel/track?data={data}")

    assert is_point(answer)
    assert "no-store" in answer.headers["cache-control"]
    [event] = site.engine.events
    assert (event.user_id, event.name, event.message_id) == ("u-1", "Product Viewed", "m-1")
    assert event.payload["properties"]["product_id"] == "p-1"


@pytest.mark.parametrize("path", ["/v1/pixel/track?", "/track?"])
def test_parameters_are_a_message_too(site, path):
    assert is_point(site.ask("GET", f"{path}user_id=u-1&event=Product%20Viewed&product_id=p-1&price=9.90&writeKey=any"))

    [event] = site.engine.events
    assert (event.user_id, event.name) == ("u-1", "Product Viewed")
    assert event.payload["properties"] == {"product_id": "p-1", "price": "9.90"}


@pytest.mark.parametrize("method", ["page", "identify", "screen", "group", "alias"])
def test_each_call_of_segments_has_its_picture(site, method):
    call = {"userId": "u-1", "previousId": "u-0", "groupId": "g-1", "messageId": "m-1"}

    assert is_point(site.ask("GET", f"/v1/pixel/{method}?data={packed(call)}"))
    assert len(site.engine.events) == 1


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/pixel/track?data=%%%", "data"),
        ("/v1/pixel/track?data=", "data"),
        (f"/v1/pixel/track?data={packed(b'{')}", "data"),
        (f"/v1/pixel/track?data={packed([1])}", "data"),
        (f"/v1/pixel/track?data={packed(b'null')}", "data"),
        (f"/v1/pixel/track?data={packed(b'[' * 500)}", "data"),
        (f"/v1/pixel/track?data={packed(DEEP)}", "data"),
        (f"/v1/pixel/track?data={packed(gzip.compress(b'{}', mtime=0))}", "data"),
        (f"/v1/pixel/track?data={packed({**CALL, 'properties': {'x': 'y' * 33_000}})}", "data"),
        (f"/v1/pixel/track?data={packed({'event': 'Product Viewed'})}", "userId"),
        (f"/v1/pixel/track?data={packed({'userId': 'u-1'})}", "event"),
        (f"/v1/pixel/nothing?data={packed(CALL)}", "method"),
        ("/v1/pixel/track", "userId"),
        ("/track?event=x", "userId"),
        ("/track?event=x&user_id=M%FCller", "user_id"),
    ],
)
def test_what_cannot_be_used_gets_its_picture_is_counted_and_kept(site, path, field):
    assert is_point(site.ask("GET", path))

    assert site.engine.events == []
    [reject] = site.engine.rejects
    assert reject.field == field, reject
    assert len(reject.body) <= 32 * 1024
    assert site.metrics.events["rejected"] == 1


def test_the_key_comes_in_the_address_in_the_message_or_in_a_header(locked):
    site, keys = locked
    key = keys["ingest"]
    for path, headers in [
        (f"/track?user_id=u&event=a&writeKey={key}", {}),
        (f"/track?user_id=u&event=b&key={key}", {}),
        (f"/v1/pixel/track?data={packed({**CALL, 'writeKey': key})}", {}),
        (f"/v1/pixel/track?data={packed(CALL)}", {"x-api-key": key}),
    ]:
        assert is_point(site.ask("GET", path, headers=headers))

    assert [event.name for event in site.engine.events] == ["a", "b", "Product Viewed", "Product Viewed"]
    assert key not in json.dumps([event.payload for event in site.engine.events])


@pytest.mark.parametrize("key", ["", "opk_unknown", "score"])
def test_without_a_key_for_events_nothing_is_taken_in_nor_kept(locked, key):
    site, keys = locked
    assert is_point(site.ask("GET", f"/track?user_id=u&event=a&writeKey={keys.get(key, key)}"))
    assert is_point(site.ask("GET", f"/v1/pixel/track?data=%%%&writeKey={keys.get(key, key)}"))

    assert site.engine.events == site.engine.rejects == []
    assert site.metrics.events["rejected"] == 2


def test_a_key_that_asks_too_often_gets_pictures_and_no_events(tmp_path):
    with a_database(tmp_path) as database:
        site, keys = site_with_keys(database, limits=Limits(allowance=Allowance(1)))
        for _ in range(3):
            assert is_point(site.ask("GET", f"/track?user_id=u&event=a&key={keys['ingest']}"))

        assert len(site.engine.events) == 1


def test_a_server_that_cannot_take_it_in_still_shows_the_picture(site):
    site.engine.failure = Overloaded()

    assert is_point(site.ask("GET", "/track?user_id=u&event=a"))


def test_a_head_is_no_event(site):
    assert site.ask("HEAD", "/track?user_id=u&event=a").status == 200
    assert site.engine.events == []


def test_the_script_is_small_and_may_be_loaded_by_any_page(locked):
    site, _ = locked
    answer = site.ask("GET", "/opportune.js?key=opk_any")

    assert (answer.status, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert 1000 < len(answer.body) <= LARGEST_SCRIPT


def test_the_script_that_is_served_was_made_from_its_source_as_it_is_now():
    source, served = ((pages.STATIC / name).read_bytes() for name in ("opportune.js", "opportune.min.js"))

    assert served.splitlines()[0].decode() == f"//{sha256(source).hexdigest()[:16]}"
