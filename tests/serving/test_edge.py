import asyncio
import gzip
import json
import logging

import pytest
from fastapi import FastAPI

from serving.api import Limits
from serving.callers import Keyring
from serving.cors import Origins
from serving.edge import Edge
from serving.errors import NotReady, Overloaded
from serving.limits import Allowance
from serving.metrics import Metrics
from serving.problem import STATUS
from serving.route_table import Sizes
from serving.routes import HotRoute
from tests.serving.asking import reply, site, site_with_keys
from tests.serving.databases import database

__all__ = ["database", "site"]
TRACK = {"userId": "u-1", "event": "Product Viewed", "properties": {"product_id": "p-1"}}


def is_problem(replied, status, code, field=None):
    body = replied.json
    assert (replied.status, body["status"], body["code"]) == (status, status, code), body
    assert replied.headers["content-type"] == "application/problem+json"
    assert int(replied.headers["content-length"]) == len(replied.body)
    assert body["message"] == body["detail"] != ""
    assert body.get("field") == field
    return True


def test_a_route_that_does_not_say_which_scope_it_needs_is_refused_at_the_start():
    app = FastAPI()
    app.get("/v1/secrets")(lambda: "everything")
    keyring = Keyring(list, allowance=Allowance(0), open_without_keys=False, now=0.0)

    with pytest.raises(ValueError, match="does not say which scope"):
        Edge(
            app,
            keyring=keyring,
            metrics=Metrics(),
            sizes=Sizes(),
            allowance=Allowance(0),
            origins=Origins([]),
        )


def test_every_hot_route_answers_the_same_through_fastapi_as_through_the_edge(site):
    body = json.dumps({"user_id": "u-1"}).encode()
    through_edge = site.ask("POST", "/v1/score", body)
    scope = {"opportune.body": body, "opportune.caller": None}

    async def through_fastapi(asked, receive, send):
        await site.edge.app({**asked, **scope}, receive, send)

    replied = asyncio.run(reply(through_fastapi, "POST", "/v1/score", {}, [body]))

    assert any(isinstance(route, HotRoute) and route.path == "/v1/score" for route in site.edge.app.routes)
    assert (replied.status, replied.body) == (through_edge.status, through_edge.body)


def test_an_address_without_a_route_is_a_problem_with_the_address_in_it(site):
    replied = site.ask("GET", "/v1/nothing")

    assert is_problem(replied, 404, "not_found")
    assert replied.json["instance"] == "/v1/nothing"


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/v1/score", "POST"), ("POST", "/v1/decisions", "GET")]
)
def test_another_method_is_refused_with_those_that_are_answered(site, method, path, allowed):
    replied = site.ask(method, path)

    assert is_problem(replied, 405, "method_not_allowed")
    assert replied.headers["allow"] == allowed


def test_a_probe_may_ask_with_head(site):
    assert site.ask("HEAD", "/healthz").status == 200


def test_a_body_in_many_chunks_is_one_body(site):
    body = json.dumps(TRACK).encode()

    assert site.ask("POST", "/v1/track", chunks=[body[:1], body[1:30], b"", body[30:]]).status == 200

    assert [event.user_id for event in site.engine.events] == ["u-1"]


def test_a_client_that_hangs_up_halfway_gets_nothing_and_leaves_nothing(site):
    async def hang_up():
        async def receive():
            return {"type": "http.disconnect"}

        sent = []
        headers = [(b"content-length", b"100")]
        await site.edge(
            {"type": "http", "method": "POST", "path": "/v1/track", "headers": headers}, receive, sent.append
        )
        return sent

    assert asyncio.run(hang_up()) == []
    assert site.engine.events == []


@pytest.mark.parametrize("path", ["/v1/track", "/v1/score", "/v1/batch"])
def test_a_body_beyond_its_limit_is_refused_whether_it_comes_at_once_or_in_chunks(site, path):
    large = b'{"a":"' + b"x" * 600_000 + b'"}'

    assert is_problem(site.ask("POST", path, large), 413, "too_large", "body")
    assert is_problem(
        site.ask("POST", path, chunks=[large[:1000], large[1000:400_000], large[400_000:]]), 413, "too_large", "body"
    )


def test_reading_stops_when_a_body_is_far_beyond_its_limit(site):
    chunks = [b"x" * 1_000_000 for _ in range(100)]

    assert is_problem(site.ask("POST", "/v1/track", chunks=chunks), 413, "too_large", "body")


def test_an_event_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(site):
    def event(size):
        frame = json.dumps({**TRACK, "properties": {"note": ""}}).encode()
        return frame.replace(b'"note": ""', b'"note": "' + b"x" * (size - len(frame)) + b'"')

    assert len(event(32_768)) == 32_768
    assert site.ask("POST", "/v1/track", event(32_768)).status == 200
    assert is_problem(site.ask("POST", "/v1/track", event(32_769)), 413, "too_large", "body")


def test_a_gzipped_body_is_read_and_may_have_several_members(site):
    body = json.dumps(TRACK).encode()
    packed = gzip.compress(body[:20]) + gzip.compress(body[20:])

    assert site.ask("POST", "/v1/track", packed, headers={"Content-Encoding": "gzip"}).status == 200


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(site):
    bomb = gzip.compress(b"0" * 30_000_000)
    assert len(bomb) < 32_768

    replied = site.ask("POST", "/v1/track", bomb, headers={"Content-Encoding": "gzip"})

    assert is_problem(replied, 413, "too_large", "body")


@pytest.mark.parametrize(
    "packed",
    [b"not gzip", gzip.compress(b"{}")[:-5], gzip.compress(b"{}") + b"rest", gzip.compress(b"{}")[:-8] + b"12345678"],
    ids=["other bytes", "cut short", "followed by more", "wrong checksum"],
)
def test_what_is_not_gzip_is_refused(site, packed):
    replied = site.ask("POST", "/v1/track", packed, headers={"Content-Encoding": "gzip"})

    assert is_problem(replied, 400, "unreadable_body")


def test_an_encoding_nobody_here_understands_is_refused_by_name(site):
    replied = site.ask("POST", "/v1/track", b"{}", headers={"Content-Encoding": "br"})

    assert is_problem(replied, 415, "unknown_encoding", "Content-Encoding")


def test_a_route_that_takes_no_body_refuses_one(site):
    assert is_problem(site.ask("GET", "/v1/decisions?user_id=u-1", b"{"), 400, "invalid_field", "body")


@pytest.mark.parametrize(
    ("method", "path", "part"),
    [
        ("DELETE", "/v1/users/M%FCller", "path"),
        ("GET", "/v1/users/M%FCller/export", "path"),
        ("GET", "/v1/decisions?limit=1&user_id=M%FCller", "user_id"),
        ("DELETE", "/v1/suppressions?user%FFid=a", "user\ufffdid"),
    ],
)
def test_an_address_that_is_not_utf8_is_of_nobody(site, method, path, part):
    assert is_problem(site.ask(method, path), 400, "invalid_field", part)


def test_without_a_key_a_caller_is_told_how_to_send_one(database):
    site, _ = site_with_keys(database)

    replied = site.ask("POST", "/v1/score", {"user_id": "u-1"})

    assert is_problem(replied, 401, "key_missing")
    assert replied.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "opk_wrong"},
        {"Authorization": "Bearer opk_wrong"},
        {"Authorization": "Basic b3BrX3dyb25nOg=="},
    ],
)
def test_a_key_nobody_made_opens_nothing(database, headers):
    site, _ = site_with_keys(database)

    assert is_problem(site.ask("POST", "/v1/score", {"user_id": "u-1"}, headers=headers), 401, "key_unknown")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/track"), ("POST", "/v1/score"), ("GET", "/v1/decisions")])
def test_without_keys_a_page_cannot_ask_under_a_name_of_its_own(site, method, path):
    replied = site.ask(method, path, headers={"Host": "shop.example:8000"})

    assert is_problem(replied, 403, "host_refused")
    assert site.engine.asked == site.engine.events == []


def test_a_key_without_the_scope_is_told_which_one_is_needed(database):
    site, keys = site_with_keys(database)

    assert is_problem(site.ask("POST", "/v1/score", {"user_id": "u-1"}, key=keys["ingest"]), 403, "scope_missing")
    replied = site.ask("POST", "/v1/track", TRACK, key=keys["score"])
    assert is_problem(replied, 403, "scope_missing")
    assert "ingest" in replied.json["message"]


@pytest.mark.parametrize("path", ["PUT /v1/products", "PUT /v1/codes/spring", "POST /v1/score/batch", "POST /v1/batch"])
@pytest.mark.parametrize("body", [b'{"products": [}', b"{", b'{"a": ' * 9000, b"\xff", b"no"], ids=range(5))
def test_a_body_that_is_no_json_is_told_as_that_on_every_route(site, path, body):
    method, _, path = path.partition(" ")

    replied = site.ask(method, path, body)

    assert is_problem(replied, 400, "unreadable_body")
    assert "body" in replied.json["detail"]


def test_a_body_that_is_missing_is_named(site):
    assert is_problem(site.ask("PUT", "/v1/products"), 400, "invalid_field", "body")


def test_an_older_sdk_may_send_its_key_in_the_body(database):
    site, keys = site_with_keys(database)

    assert site.ask("POST", "/v1/track", {**TRACK, "writeKey": keys["ingest"]}).status == 200
    assert (
        site.ask("POST", "/v1/batch", {"batch": [{"type": "track", **TRACK}], "writeKey": keys["ingest"]}).status == 200
    )
    assert is_problem(site.ask("POST", "/v1/track", {**TRACK, "writeKey": "opk_wrong"}), 401, "key_unknown")
    assert is_problem(site.ask("POST", "/v1/track", TRACK), 401, "key_missing")
    assert is_problem(site.ask("POST", "/v1/track", b"{"), 400, "unreadable_body")
    assert all("writeKey" not in str(event.payload) for event in site.engine.events)


@pytest.mark.parametrize("damage", ["NaN", '"caf\\ud83d"', '"a\x01"', pytest.param("[" * 5000 + "]" * 5000, id="deep")])
def test_what_is_damaged_in_one_event_does_not_hide_the_key_of_the_others(database, damage):
    site, keys = site_with_keys(database)
    batch = {"batch": [{"type": "track", **TRACK}, {**TRACK, "properties": {"price": "damage"}}]}

    def told(key):
        body = json.dumps({**batch, "writeKey": key}).replace('"damage"', damage)
        return site.ask("POST", "/v1/batch", body.encode())

    assert told(keys["ingest"]).json["accepted"] == 1
    assert is_problem(told("opk_wrong"), 401, "key_unknown")
    assert is_problem(told("\ud83d"), 401, "key_unknown")


def test_a_key_in_the_body_does_not_ask_for_a_score(database):
    site, keys = site_with_keys(database)

    assert is_problem(site.ask("POST", "/v1/score", {"user_id": "u", "writeKey": keys["all"]}), 401, "key_missing")


def test_who_asks_too_often_is_told_when_to_come_back(database):
    site, keys = site_with_keys(database, limits=Limits(allowance=Allowance(2, window_s=60)))
    first, second, third = (site.ask("POST", "/v1/score", {"user_id": "u-1"}, key=keys["score"]) for _ in range(3))

    assert (first.status, second.status) == (200, 200)
    assert first.headers["ratelimit-policy"] == '"default";q=2;w=60'
    assert first.headers["ratelimit"].startswith('"default";r=1;t=')
    assert is_problem(third, 429, "too_many_requests")
    assert 1 <= int(third.headers["retry-after"]) <= 30
    assert third.headers["ratelimit"].startswith('"default";r=0;t=')
    assert site.ask("POST", "/v1/score", {"user_id": "u-1"}, key=keys["all"]).status == 200


def test_a_cold_route_counts_against_the_same_allowance(database):
    site, keys = site_with_keys(database, limits=Limits(allowance=Allowance(1)))

    assert site.ask("GET", "/metrics", key=keys["score"]).headers["ratelimit"].startswith('"default";r=0')
    assert site.ask("GET", "/metrics", key=keys["score"]).status == 429


@pytest.mark.parametrize("failure", [Overloaded(retry_after_s=2.5), NotReady()])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/score"), ("GET", "/v1/users/u-1/features")])
def test_a_server_that_cannot_now_says_when_to_ask_again(site, failure, method, path):
    site.engine.failure = failure

    replied = site.ask(method, path, {"user_id": "u-1"} if method == "POST" else b"")

    assert is_problem(replied, 503, failure.code)
    assert replied.headers["retry-after"] == ("3" if failure.retry_after_s else "1")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/score"), ("GET", "/v1/users/u-1/features")])
def test_a_failure_nobody_foresaw_is_logged_and_not_shown(site, caplog, method, path):
    site.engine.failure = ZeroDivisionError("the secret ingredient")

    with caplog.at_level(logging.ERROR):
        replied = site.ask(method, path, {"user_id": "u-1"} if method == "POST" else b"")

    assert is_problem(replied, 500, "internal_error")
    assert b"secret" not in replied.body
    assert "the secret ingredient" in caplog.text


SHOP = {"Origin": "https://shop.example"}
ASKS = {**SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
SEGMENT = ["track", "identify", "page", "screen", "group", "alias", "batch"]


@pytest.mark.parametrize("call", SEGMENT)
@pytest.mark.parametrize("spelt", [str, lambda call: call[0]], ids=["in full", "as analytics.js spells it"])
def test_a_page_of_an_allowed_origin_may_send_events(database, call, spelt):
    site, keys = site_with_keys(database, cors_origins=["https://shop.example"])
    path = f"/v1/{spelt(call)}"
    event = {"userId": "u-1", "event": "Product Viewed", "previousId": "a-1", "groupId": "g-1"}
    body = {"batch": [{**event, "type": "track"}]} if call == "batch" else event

    asked = site.ask("OPTIONS", path, headers=ASKS)
    sent = site.ask("POST", path, body, key=keys["ingest"], headers=SHOP)

    assert (asked.status, asked.body) == (204, b"")
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert {"authorization", "content-type"} <= set(asked.headers["access-control-allow-headers"].split(", "))
    assert (sent.status, len(site.engine.events)) == (200, 1)
    for replied in (asked, sent):
        assert replied.headers["access-control-allow-origin"] == "https://shop.example"
        assert replied.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in replied.headers


def test_a_page_may_read_why_it_was_refused_and_when_to_come_back(database):
    limits = Limits(allowance=Allowance(1))
    site, keys = site_with_keys(database, cors_origins=["*"], limits=limits)
    refused = [site.ask("POST", "/v1/track", {}, key=key, headers=SHOP) for key in (None, *[keys["ingest"]] * 2)]

    assert [each.status for each in refused] == [401, 400, 429]
    assert [each.headers["access-control-allow-origin"] for each in refused] == ["*"] * 3
    assert "retry-after" in refused[2].headers["access-control-expose-headers"]


@pytest.mark.parametrize("allowed", [[], ["https://other.example", "http://shop.example", "https://shop.example:8443"]])
def test_a_page_of_another_origin_is_not_told_that_it_may(database, allowed):
    site, keys = site_with_keys(database, cors_origins=allowed)

    assert is_problem(site.ask("OPTIONS", "/v1/track", headers=ASKS), 405, "method_not_allowed")
    sent = site.ask("POST", "/v1/track", TRACK, key=keys["ingest"], headers=SHOP)
    assert not any(name.startswith("access-control") for name in sent.headers)


@pytest.mark.parametrize(
    "path", ["/v1/score", "/v1/score/batch", "/v1/decisions", "/v1/users/u-1/features", "/metrics"]
)
def test_a_page_may_send_events_and_nothing_else(database, path):
    site, keys = site_with_keys(database, cors_origins=["*"])
    method = "POST" if path.startswith("/v1/score") else "GET"

    assert site.ask("OPTIONS", path, headers=ASKS).status == 405
    answered = site.ask(method, path, {} if method == "POST" else b"", key=keys["all"], headers=SHOP)
    assert not any(name.startswith("access-control") for name in answered.headers)


def test_every_answer_is_counted_by_route_and_status(site):
    site.ask("POST", "/v1/score", {"user_id": "u-1"})
    site.ask("POST", "/v1/score", b"{")
    site.ask("GET", "/v1/users/u-1/features")
    site.ask("GET", "/v1/nothing")

    counted = site.metrics.routes
    assert counted["/v1/score"].statuses == {200: 1, 400: 1}
    assert counted["/v1/score"].latency_s.count == 2
    assert counted["/v1/users/{user_id:path}/features"].statuses == {200: 1}
    assert counted["(none)"].statuses == {404: 1}


def test_every_kind_of_error_has_its_status():
    def kinds(of):
        return {each for direct in of.__subclasses__() for each in {direct, *kinds(direct)}}

    from serving.errors import ServingError

    assert kinds(ServingError) <= set(STATUS)
