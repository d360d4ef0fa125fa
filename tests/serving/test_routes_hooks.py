"""Webhooks and outcomes over HTTP, on the real application with a real log."""

import gzip
import json

import pytest

from features.kinds import Kind
from tests.contract.running import running
from tests.serving.reporting import PROVIDERS, people, reporting, rows, sendgrid, somebody, told
from tests.serving.webhooks import basic, sendgrid_event, sendgrid_headers, shop_signature


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with reporting(tmp_path_factory.mktemp("home")) as up:
        yield up


def test_an_order_of_a_shop_becomes_an_event_like_any_other(server):
    order = {
        "id": 820982911946154508,
        "created_at": "2026-03-02T12:05:00-05:00",
        "total_price": "398.00",
        "customer": {"id": "kim"},
        "line_items": [{"product_id": 632910392, "price": "199.00", "quantity": 2}],
    }
    body = json.dumps(order).encode()

    def send(body):
        return server.ask("POST", "/v1/hooks/shop", body, X_Shop_Signature=shop_signature(body, "hush"))

    assert send(body).json() == {"success": True, "accepted": 1}
    assert send(body).json() == {"success": True, "duplicates": 1}
    [found] = told(server, "kim", Kind.ORDER_COMPLETED)
    assert found["products"] == [{"product_id": 632910392, "price": "199.00", "quantity": 2}]
    wrong = json.dumps(order | {"id": 2, "total_price": "much"}).encode()
    assert (send(wrong).status, send(wrong).json()["field"]) == (400, "properties.total")


def test_one_event_that_cannot_be_used_spoils_no_other(server):
    decision = somebody(server, "lea")
    good = sendgrid_event("open", 40, decision_id=decision)
    broken = sendgrid_event("open", 41, decision_id=decision, at="soon")

    answer = sendgrid(server, broken, good, 7)

    assert (answer.status, answer.json()["accepted"]) == (200, 1)
    assert [(each["index"], each["field"]) for each in answer.json()["rejected"]] == [(0, "[0].timestamp"), (2, "[2]")]
    kept = rows(server, "SELECT source, place, field, body FROM rejects WHERE source = 'sendgrid' ORDER BY reject_id")
    assert [each[:3] for each in kept] == [("sendgrid", "[0]", "[0].timestamp"), ("sendgrid", "[2]", "[2]")]
    assert json.loads(kept[0][3]) == broken
    alone = sendgrid(server, broken)
    assert (alone.status, alone.json()["field"]) == (400, "[0].timestamp")


@pytest.mark.parametrize(
    ("value", "field", "reason"),
    [
        ("[" * 9000 + "]" * 9000, "[0]", "is nested deeper than 64 levels"),
        ("[" * 64 + "]" * 64, "[0]", "is nested deeper than 64 levels"),
        ('"\\ud83d"', "[0].category", "is not valid Unicode"),
        ('"a\x01b"', "[0].category", "holds a control character that is not escaped"),
        ("NaN", "[0].category", "must be a finite number"),
    ],
    ids=["deep", "a level too deep", "half a character", "control character", "no number"],
)
def test_one_event_that_cannot_be_kept_spoils_no_other(server, value, field, reason):
    decision = somebody(server, f"mia {reason} {len(value)}")
    events = [sendgrid_event("open", f"{reason} {len(value)} {i}", decision_id=decision) for i in range(2)]
    body = json.dumps([{**events[0], "category": "value"}, events[1]]).replace('"value"', value).encode()

    answer = server.ask("POST", "/v1/hooks/sendgrid", body, **sendgrid_headers(body))

    rejected = [{"index": 0, "field": field, "reason": reason}]
    assert answer.json() == {"success": True, "accepted": 1, "rejected": rejected}


@pytest.mark.parametrize(
    ("outcome", "field"),
    [
        ({"outcome": "seen", "at": "2026-03-02T17:05:00Z", "user_id": "u"}, "outcomes[0].outcome"),
        ({"outcome": "opened", "at": "yesterday", "user_id": "u"}, "outcomes[0].at"),
        ({"outcome": "opened", "at": "0001-01-01T00:00:00+14:00", "user_id": "u"}, "outcomes[0].at"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z"}, "outcomes[0].decision_id"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z", "address": "@"}, None),
        ({"outcome": "opened", "channel": "sms", "at": "2026-03-02T17:05:00Z", "user_id": "u"}, "outcomes[0].outcome"),
        ({"outcome": "opened", "at": "2199-03-02T17:05:00Z", "user_id": "u"}, "outcomes[0].at"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z", "user_id": "anonymous:u"}, "outcomes[0].user_id"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z", "user_id": "u" * 257}, "outcomes[0].user_id"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z", "user_id": " "}, "outcomes[0].user_id"),
    ],
)
def test_an_outcome_that_cannot_be_meant_is_refused_by_its_place(server, outcome, field):
    answer = server.ask("POST", "/v1/outcomes", {"outcomes": [outcome]})

    assert answer.status in (200, 400)
    if field is not None:
        assert (answer.status, answer.json()["field"]) == (400, field)


def test_an_outcome_of_an_id_that_nobody_can_have_spoils_no_other(server):
    somebody(server, "ivo")
    good = {"outcome": "unsubscribed", "at": "2026-03-02T17:05:00Z", "user_id": " ivo "}

    answer = server.ask("POST", "/v1/outcomes", {"outcomes": [{**good, "user_id": "anonymous:x"}, good]}).json()

    assert answer["accepted"] == 1
    assert [each["field"] for each in answer["rejected"]] == ["outcomes[0].user_id"]
    assert told(server, "ivo", Kind.UNSUBSCRIBED)


def test_outcomes_of_somebody_unknown_make_nobody(server):
    before = people(server)
    told_ = {"outcome": "clicked", "at": "2026-03-02T17:05:00Z", "user_id": "nobody-yet", "id": "1"}

    assert server.ask("POST", "/v1/outcomes", {"outcomes": [told_]}).json() == {"success": True, "strangers": 1}
    assert people(server) == before


def test_an_unsubscription_from_text_messages_leaves_mails_alone(server):
    somebody(server, "mia")
    told_ = {"outcome": "unsubscribed", "channel": "sms", "at": "2026-03-02T17:05:00Z", "user_id": "mia"}

    assert server.ask("POST", "/v1/outcomes", {"outcomes": [told_]}).json() == {"success": True, "accepted": 1}
    assert rows(server, "SELECT channel FROM suppressions WHERE subject = 'mia'") == [("sms",)]


def test_whoever_has_no_secret_here_gets_404(tmp_path):
    with running(tmp_path) as bare:
        for name in (*PROVIDERS, "%00", "x" * 300):
            answer = bare.ask("POST", f"/v1/hooks/{name}", {})
            assert (answer.status, answer.json()["code"]) == (404, "not_found"), name


BODIES = [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 30_000, b'{"a":"\\ud800"}', b"{}", b"[[]]"]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body[:12]))
def test_no_body_whatsoever_breaks_the_server(server, name, body):
    signed = {
        "sendgrid": sendgrid_headers(body),
        "postmark": {"Authorization": basic("opportune", "password")},
        "shop": {"X-Shop-Signature": shop_signature(body, "hush")},
    }
    unsigned = server.ask("POST", f"/v1/hooks/{name}", body)
    answer = server.ask("POST", f"/v1/hooks/{name}", body, **signed.get(name, {}))

    assert unsigned.status in (400, 401)
    assert answer.status in (200, 400, 401)
    if answer.status != 200:
        assert {"code", "message"} <= set(answer.json())


@pytest.mark.parametrize("name", PROVIDERS)
def test_hooks_are_as_strict_as_every_route(server, name):
    path = f"/v1/hooks/{name}"
    large = b'{"a":"' + b"x" * 1_100_000 + b'"}'

    assert server.ask("POST", path, large).status == 413
    assert server.ask("POST", path, gzip.compress(b"x" * 20_000_000), Content_Encoding="gzip").status == 413
    assert server.ask("POST", path, b"no gzip", Content_Encoding="gzip").status == 400
    for method in ("GET", "PUT", "DELETE", "TRACE"):
        answer = server.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_whose_signature_is_wrong_is_told_so(server):
    body = json.dumps([sendgrid_event("open", 50)]).encode()

    answer = server.ask("POST", "/v1/hooks/sendgrid", body + b" ", **sendgrid_headers(body))

    assert (answer.status, answer.json()["code"]) == (401, "signature_refused")
