"""What every route of the OpenAPI document owes its callers, tried on the real application."""

import gzip
import json
import re
from functools import partial

import pytest

from serving.keys import SCOPES, create_key
from tests.contract.running import opened, running
from tests.serving.asking import WITHOUT_A_KEY

BODY_LIMIT = 600_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a key of each scope, made before it starts."""
    home = tmp_path_factory.mktemp("home")
    keys = make_keys(home, {scope: {scope} for scope in SCOPES})
    with running(home) as up:
        up.keys.update(keys)
        yield up


def make_keys(home, scopes_by_name):
    with opened(home) as database, database.begin() as connection:
        return {name: create_key(connection, name, frozenset(s), created_at=1) for name, s in scopes_by_name.items()}


@pytest.fixture(scope="module")
def routes(server):
    """Every route of the document that needs a key: method, address with its parameters filled in, scope."""
    document = server.ask("GET", "/openapi.json").json()
    found = []
    for path, methods in document["paths"].items():
        for method, declared in methods.items():
            if not declared["security"]:
                assert path.startswith(WITHOUT_A_KEY), path
                continue
            [scope] = {scope for way in declared["security"] for [scope] in way.values()}
            found.append((method.upper(), re.sub(r"\{[^}]*\}", "u-1", path), scope))
    assert {"/v1/score", "/v1/score/batch", "/v1/track", "/v1/batch", "/v1/decisions", "/metrics"} <= {
        p for _, p, _ in found
    }
    return found


def refusals(server, routes, status, code, ask):
    """Return what each route answered that is not the refusal expected."""
    wrong = []
    for method, path, scope in routes:
        answer = ask(method, path, scope)
        told = answer.json() if answer.headers.get("content-type") == "application/problem+json" else {}
        expected = (status, status, code, path)
        if (answer.status, told.get("status"), told.get("code"), told.get("instance")) != expected or not told[
            "message"
        ]:
            wrong.append((method, path, answer.status, answer.body[:300]))
    return wrong


def test_without_a_key_every_route_answers_401(server, routes):
    def ask(method, path, _scope, key=None):
        return server.ask(method, path, {"user_id": "u-1"} if method == "POST" else b"", key=key)

    assert refusals(server, routes, 401, "key_missing", ask) == []
    assert refusals(server, routes, 401, "key_unknown", partial(ask, key="opk_unknown")) == []


def test_with_a_key_for_something_else_every_route_answers_403(server, routes):
    def ask(method, path, scope):
        other = next(each for each in ("ingest", "score") if each != scope)
        return server.ask(method, path, {} if method == "POST" else b"", key=server.keys[other])

    assert refusals(server, routes, 403, "scope_missing", ask) == []


def test_too_large_a_body_gets_413_from_every_route(server, routes):
    large = b'{"a":"' + b"x" * BODY_LIMIT + b'"}'

    assert refusals(server, routes, 413, "too_large", lambda m, p, s: server.ask(m, p, large, key=server.keys[s])) == []


def test_a_gzip_bomb_gets_413_from_every_route(server, routes):
    bomb = gzip.compress(b"x" * 20_000_000)

    def ask(method, path, scope):
        return server.ask(method, path, bomb, key=server.keys[scope], Content_Encoding="gzip")

    assert refusals(server, routes, 413, "too_large", ask) == []


@pytest.mark.parametrize("packed", [b"this is not gzip", gzip.compress(b"{}")[:-3]], ids=["other bytes", "cut short"])
def test_bad_gzip_gets_400_from_every_route(server, routes, packed):
    def ask(method, path, scope):
        return server.ask(method, path, packed, key=server.keys[scope], Content_Encoding="gzip")

    assert refusals(server, routes, 400, "unreadable_body", ask) == []


@pytest.mark.parametrize(
    "text",
    [b"{", b'{"user_id": "u-1"', b"\xff\xfe", b"{}}", b"NaN", b"[" * 20_000],
    ids=["opened", "cut short", "not UTF-8", "closed twice", "not a number", "nested without end"],
)
def test_bad_json_gets_400_from_every_route(server, routes, text):
    for method, path, scope in routes:
        answer = server.ask(method, path, text, key=server.keys[scope])
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json"), (
            path,
            answer.body[:300],
        )
        assert {"code", "message", "field"} & set(answer.json()) >= {"code", "message"}


@pytest.mark.parametrize("value", [None, 7, "text", [], [[]], {"user_id": 7.5, "batch": 7, "users": 7}])
def test_json_of_the_wrong_shape_gets_400_from_every_route_that_takes_a_body(server, routes, value):
    for method, path, scope in routes:
        if method in {"POST", "PUT", "PATCH"}:
            answer = server.ask(method, path, value, key=server.keys[scope])
            assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json"), (
                path,
                answer.body,
            )
            assert {"code", "message"} <= set(answer.json())


def test_another_method_gets_405_from_every_route(server, routes):
    for _, path, scope in routes:
        answer = server.ask("TRACE", path, key=server.keys[scope])
        assert (answer.status, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] in {
            *("GET", "POST", "PUT", "DELETE"),
            *("GET, PATCH", "GET, PUT", "DELETE, GET, PUT"),
        }


def test_whoever_asks_too_often_gets_429_from_every_route(routes, tmp_path_factory):
    home = tmp_path_factory.mktemp("limited")
    keys = make_keys(home, {f"{method} {path}": SCOPES for method, path, _ in routes})
    with running(home, rate_limit=1) as limited:

        def ask(method, path, _scope):
            key = keys[f"{method} {path}"]
            first = limited.ask(method, path, {"user_id": "u-1"} if method == "POST" else b"", key=key)
            assert first.status != 429
            second = limited.ask(method, path, {"user_id": "u-1"} if method == "POST" else b"", key=key)
            assert 1 <= int(second.headers["retry-after"]) <= 60
            assert second.headers["ratelimit-policy"] == '"default";q=1;w=60'
            return second

        assert refusals(limited, routes, 429, "too_many_requests", ask) == []


def test_nothing_that_the_document_does_not_name_is_there(server):
    for path in (
        "/v1",
        "/v1/",
        "/v1/score/",
        "/v2/score",
        "/admin",
        "//v1/score",
        "/v1/Score",
        "/%00",
        "/v1/user/u-1",
    ):
        answer = server.ask("GET", path, key=server.keys["admin"])
        assert (answer.status, answer.json()["code"]) == (404, "not_found"), path


def test_probes_need_no_key(server):
    assert server.ask("GET", "/healthz").json() == {"status": "ok"}
    assert json.loads(server.ask("GET", "/readyz").body) == {"ready": True, "missing": [], "remarks": []}
    assert server.ask("GET", "/docs").status == 200
