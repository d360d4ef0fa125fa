"""Codes over HTTP, on the real application."""

from datetime import UTC, datetime

import pytest

from tests.contract.running import running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("home")) as up:
        yield up


def put(server, pool, *codes):
    return server.ask("PUT", f"/v1/codes/{pool}", {"codes": list(codes)})


def test_codes_are_added_once_and_counted(server):
    soon, begin = {"code": "B", "expires_at": "2020-01-01T00:00:00Z"}, datetime.now(UTC)

    assert put(server, "spring", {"code": "A"}, soon).json() == {
        "pool": "spring",
        "added": 2,
        "known": 0,
        "elsewhere": [],
    }
    assert put(server, "spring", {"code": "A"}, {"code": "C"}).json()["known"] == 1
    assert put(server, "summer", {"code": "A"}, {"code": "D"}).json()["elsewhere"] == ["A"]
    pools = server.ask("GET", "/v1/codes").json()["pools"]
    spring, summer = (datetime.fromisoformat(each.pop("last_added_at")) for each in pools)
    assert pools == [
        {"pool": "spring", "left": 2, "handed_out": 0, "expired": 1},
        {"pool": "summer", "left": 1, "handed_out": 0, "expired": 0},
    ]
    assert begin <= spring < summer <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ({}, "codes[0].code"),
        ({"code": ""}, "codes[0].code"),
        ({"code": 7}, "codes[0].code"),
        ({"code": " A"}, "codes[0].code"),
        ({"code": "A\n"}, "codes[0].code"),
        ({"code": "x" * 201}, "codes[0].code"),
        ({"code": "A", "expires_at": "2026-12-31"}, "codes[0].expires_at"),
        ({"code": "A", "expires_at": 7}, "codes[0].expires_at"),
        ({"code": "A", "pool": "x"}, "codes[0].pool"),
    ],
)
def test_a_malformed_code_is_refused_by_its_place(server, code, place):
    answer = put(server, "autumn", code)

    assert (answer.status, answer.json()["field"]) == (400, place)


@pytest.mark.parametrize("pool", ["Autumn", "a%20b", "x" * 81])
def test_what_is_no_name_of_a_pool_is_refused(server, pool):
    assert put(server, pool, {"code": "Z"}).status == 400


def test_too_many_at_once_are_refused(server):
    assert put(server, "autumn", *({"code": str(n)} for n in range(5001))).status == 400
    assert put(server, "autumn").status == 400
