import json
from datetime import UTC, datetime, timedelta

import pytest

from features.kinds import Kind
from tests.serving.asking import Site, site, site_with_keys
from tests.serving.databases import a_database, database
from tests.serving.test_edge import is_problem

__all__ = ["database", "site"]
VIEWED = {"event": "Product Viewed", "messageId": "m-1", "properties": {"product_id": "p-1"}}


def score(site, **body):
    return site.ask("POST", "/v1/score", body)


def test_a_score_says_who_when_what_and_by_which_model(site):
    replied = score(site, user_id="u-1")

    assert replied.status == 200
    assert replied.json == {
        "user_id": "u-1",
        "anonymous_id": None,
        "known": True,
        "at": "2023-11-14T22:13:20.000001Z",
        "intent": {"24h": 0.25},
        "send_hour": None,
        "send_at": None,
        "confidence": None,
        "personal": None,
        "models": {"24h": {"name": "opportune-intent-24h", "version": "1", "calibrated": True}},
        "policy_version": "p1",
        "decision_id": None,
        "duplicate": False,
        "untracked": False,
        "decisions": [],
        "explain": None,
    }


@pytest.mark.parametrize(
    ("ids", "asked"),
    [
        ({"user_id": "u-1"}, ("u-1", None)),
        ({"user_id": " u-1 "}, ("u-1", None)),
        ({"user_id": 42}, ("42", None)),
        ({"anonymous_id": "a-1"}, (None, "a-1")),
        ({"user_id": "u-1", "anonymous_id": "a-1"}, ("u-1", "a-1")),
        ({"user_id": "", "anonymous_id": "a-1"}, (None, "a-1")),
    ],
)
def test_a_user_is_known_by_the_same_ids_as_their_events(site, ids, asked):
    assert score(site, **ids).status == 200
    assert site.engine.asked[0][0] == [asked]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "required", "user_id"),
        ({"user_id": None, "anonymous_id": ""}, "required", "user_id"),
        ({"user_id": "anonymous:x"}, "reserved", "user_id"),
        ({"user_id": "x" * 257}, "invalid_field", "user_id"),
        ({"user_id": ["u"]}, "invalid_field", "user_id"),
        ({"user_id": True}, "invalid_field", "user_id"),
        ({"user_id": "u\0"}, "not_unicode", "user_id"),
        ({"user_id": "u", "explain": "yes"}, "invalid_field", "explain"),
        ({"user_id": "u", "at": "yesterday"}, "invalid_field", "at"),
        ({"user_id": "u", "at": "2026-01-01T00:00:00"}, "invalid_field", "at"),
        ({"user_id": "u", "event": 7}, "invalid_field", "event"),
        ({"user_id": "u", "event": {}}, "required", "event.event"),
        ({"user_id": "u", "event": {"event": "Order Completed", "timestamp": "soon"}}, None, "event.timestamp"),
        ({"event": VIEWED}, "required", "event.userId"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(site, body, code, field):
    replied = site.ask("POST", "/v1/score", body)

    assert is_problem(replied, 400, code or replied.json["code"], field)
    assert site.engine.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"user_id":"u"}}',
        b'{"user_id":NaN}',
        b"\xff",
        b'{"user_id":"\xff"}',
        b'{"user_id":"\\ud800"}',
        b"[" * 30_000,
        b'{"event":' * 3000,
        json.dumps(
            {"user_id": "u", "event": {"event": "x", "properties": {"a": json.loads("[" * 90 + "]" * 90)}}}
        ).encode(),
    ],
    ids=str,
)
def test_no_body_whatsoever_breaks_the_server(site, body):
    assert site.ask("POST", "/v1/score", body).status == 400


def test_an_event_is_taken_in_with_the_question_and_is_of_the_same_user(site):
    assert score(site, user_id="u-1", event=VIEWED, explain=True).status == 200

    [(users, event, at, explain)] = site.engine.asked
    assert (users, at, explain) == ([("u-1", None)], None, True)
    assert (event.kind, event.user_id, event.message_id) == (Kind.PRODUCT_VIEWED, "u-1", "m-1")


def test_an_event_may_name_its_user_itself_but_no_other(site):
    assert score(site, event={**VIEWED, "userId": "u-2"}).status == 200
    assert score(site, user_id="u-2", event={**VIEWED, "userId": "u-2"}).status == 200
    assert is_problem(score(site, user_id="u-1", event={**VIEWED, "userId": "u-2"}), 400, "invalid_field", "user_id")
    assert [users for users, *_ in site.engine.asked] == [[("u-2", None)]] * 2


@pytest.mark.parametrize("spelling", ["userId", "user_id", "User ID"])
def test_an_event_of_somebody_else_is_refused_however_it_spells_the_id(site, spelling):
    replied = score(site, user_id="u-1", event={**VIEWED, spelling: "u-2"})

    assert (replied.status, replied.json["field"]) == (400, "user_id")
    assert score(site, user_id=7, event={**VIEWED, spelling: "7"}).status == 200


@pytest.mark.parametrize("nobody", [{"userId": None}, {"user_id": None, "anonymousId": None}, {"userId": ""}])
def test_an_event_whose_ids_are_null_is_of_whom_is_asked_about(site, nobody):
    assert score(site, user_id="u-1", event={**VIEWED, **nobody}).json["user_id"] == "u-1"


def test_a_flat_event_is_the_body_itself(site):
    body = {"user_id": "u-1", "event": "cart_abandonment", "timestamp": "2026-01-01T00:00:00Z", "explain": True}

    assert score(site, **body).status == 200

    [(users, event, _, explain)] = site.engine.asked
    assert (users, explain) == ([("u-1", None)], True)
    assert (event.kind, event.user_id) == (Kind.CART_ABANDONED, "u-1")
    assert event.occurred_at == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert "explain" not in event.payload_json


def test_the_limit_of_an_event_holds_for_the_event_and_not_for_what_stands_around_it(site):
    def asked(size):
        event = {**VIEWED, "properties": {"note": ""}}
        event["properties"]["note"] = "x" * (size - len(json.dumps(event)))
        return score(site, user_id="u-1", event=event)

    assert asked(32_768).status == 200
    assert is_problem(asked(32_769), 413, "too_large", "event")


def test_a_past_moment_needs_an_administrator_and_comes_without_an_event(tmp_path):
    with a_database(tmp_path) as database:
        site, keys = site_with_keys(database)
        body = {"user_id": "u-1", "at": "2026-01-01T01:00:00.000002+01:00"}

        assert is_problem(site.ask("POST", "/v1/score", body, key=keys["score"]), 403, "scope_missing", "at")
        with_event = {**body, "event": VIEWED}
        assert is_problem(site.ask("POST", "/v1/score", with_event, key=keys["admin"]), 400, "invalid_field", "at")
        assert site.ask("POST", "/v1/score", body, key=keys["admin"]).status == 200

        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=2)
        assert site.engine.asked[-1][2] == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_in_a_replay_an_event_may_come_with_its_moment(tmp_path):
    with a_database(tmp_path) as database:
        site = Site(database, open_without_keys=True, replay=True)

        assert score(site, user_id="u-1", event=VIEWED, at="2026-01-01T00:00:00Z").status == 200


def test_a_batch_is_scored_in_its_order(site):
    users = [{"user_id": "u-1"}, {"anonymous_id": "a-1"}, {"user_id": "stranger"}]

    replied = site.ask("POST", "/v1/score/batch", {"users": users})

    assert replied.status == 200
    assert replied.json["at"] == "2023-11-14T22:13:20.000001Z"
    assert [(each["user_id"], each["anonymous_id"], each["known"]) for each in replied.json["scores"]] == [
        ("u-1", None, True),
        (None, "a-1", True),
        ("stranger", None, False),
    ]


def test_a_batch_holds_up_to_a_thousand_users(site):
    def asked(count):
        return site.ask("POST", "/v1/score/batch", {"users": [{"user_id": f"u{i}"} for i in range(count)]})

    assert asked(0).json["scores"] == []
    assert len(asked(1000).json["scores"]) == 1000
    assert is_problem(asked(1001), 413, "too_large", "users")


def test_a_user_of_a_batch_that_cannot_be_is_named_by_their_place(site):
    body = {"users": [{"user_id": "u"}, {}]}

    assert is_problem(site.ask("POST", "/v1/score/batch", body), 400, "required", "users[1].user_id")
    assert is_problem(
        site.ask("POST", "/v1/score/batch", {"users": [{"user_id": []}]}), 400, "invalid_field", "users[0].user_id"
    )
    assert is_problem(site.ask("POST", "/v1/score/batch", {}), 400, "invalid_field", "users")
