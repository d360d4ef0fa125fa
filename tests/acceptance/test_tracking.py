"""Over HTTP, where consent is required: whoever never gave it is in no file, and in no number with a name."""

import json

import pytest

from tests.contract.running import a_key, running

ANN = ["ann-who-never-agreed", "browser-of-ann", "ann@example.org", "+4917012345678", "Only Ann Does This"]
CONSENT = {"consent": {"categoryPreferences": {"analytics": True}}}


@pytest.fixture
def strict(tmp_path):
    key = a_key(tmp_path)
    with running(tmp_path, tracking_consent="required", tracking_purpose="analytics") as up:
        up.keys["all"] = key
        yield up


def ask(server, method, path, body=b""):
    return server.ask(method, path, body, key=server.keys["all"])


def everything_ann_does():
    ids = {"userId": ANN[0], "anonymousId": ANN[1]}
    traits = {"email": ANN[2], "phone": ANN[3], "tier": "gold", "timezone": "Europe/Berlin"}
    broken = {**ids, "properties": {"products": [{"price": ANN[2]}]}, "event": "Product Added"}
    return [
        ("/v1/track", {**ids, "event": "Product Added", "properties": {"product_id": "p", "price": 3}}),
        ("/v1/track", {"anonymousId": ANN[1], "event": ANN[4]}),
        ("/v1/identify", {**ids, "traits": traits}),
        ("/v1/alias", {"userId": ANN[0], "previousId": ANN[1]}),
        ("/v1/page", {**ids, "context": {"traits": traits}}),
        ("/v1/batch", {"batch": [{"type": "track", **broken}, {"type": "track", **ids, "event": "Unsubscribed"}]}),
        ("/v1/track", {**broken, "timestamp": ANN[2]}),
        ("/v1/track", {**ids, "event": ""}),
    ]


def found_in(home, words):
    files = [each for each in home.rglob("*") if each.is_file()]
    assert len(files) >= 3
    return [(each.name, word) for each in files for word in words if word.lower().encode() in each.read_bytes().lower()]


def test_whoever_never_agreed_is_in_no_file_and_in_no_metric(strict):
    sent = [(path, ask(strict, "POST", path, body)) for path, body in everything_ann_does()]
    ask(strict, "POST", "/v1/track", {"userId": "bob", "event": "Product Viewed", "context": CONSENT})
    scored = [
        ask(strict, "POST", "/v1/score", {"user_id": ANN[0], "event": {"event": "Product Added"}}),
        ask(strict, "POST", "/v1/score", {"user_id": ANN[0]}),
        ask(strict, "POST", "/v1/score/batch", {"users": [{"user_id": ANN[0]}, {"anonymous_id": ANN[1]}]}),
    ]
    told = ask(strict, "PATCH", f"/v1/users/{ANN[0]}/profile", {"profile": {"tier": "gold"}})
    metrics = ask(strict, "GET", "/metrics").body.decode()

    # As Segment's libraries want it: what is dropped for want of consent is no mistake of the sender.
    assert [answer.status for _, answer in sent] == [200, 200, 200, 200, 200, 200, 400, 400]
    assert [each.json().get("untracked", each.json().get("scores", [{}])[0].get("untracked")) for each in scored] == [
        True
    ] * 3
    assert not scored[0].json()["known"]
    assert told.status == 404
    assert 'opportune_events_total{outcome="untracked"} 8.0' in metrics
    assert [word for word in ANN if word.lower() in metrics.lower()] == []
    assert found_in(strict.home, ANN) == []
    assert found_in(strict.home, ["bob"]) != []


def test_a_refusal_is_told_back_and_names_nobody_in_any_file(strict):
    refused = ask(strict, "PUT", f"/v1/users/{ANN[0]}/consents", {"consents": {"analytics": False}})
    again = ask(strict, "GET", f"/v1/users/{ANN[0]}/consents")

    assert refused.status == again.status == 200
    assert [(each["purpose"], each["granted"]) for each in again.json()["consents"]] == [("analytics", False)]
    assert found_in(strict.home, ANN[:1]) == []

    agreed = ask(strict, "PUT", f"/v1/users/{ANN[0]}/consents", {"consents": {"analytics": True}})
    assert [each["granted"] for each in agreed.json()["consents"]] == [True]
    ask(strict, "POST", "/v1/track", {"userId": ANN[0], "event": "Product Viewed"})
    assert json.loads(ask(strict, "POST", "/v1/score", {"user_id": ANN[0]}).body)["known"]


def test_a_history_lists_no_rows_of_those_it_cannot_use(tmp_path):
    from serving.clock import wall
    from serving.database import open_database
    from serving.history_import import import_history
    from serving.mapping_file import read_mapping

    file = tmp_path / "elsewhere" / "history.jsonl"
    file.parent.mkdir()
    rows = [
        {"userId": ANN[0], "event": "Product Viewed", "timestamp": "2026-01-01T00:00:00Z"},
        {"userId": ANN[0], "event": "Product Viewed", "timestamp": ANN[2]},
        {"userId": "bob", "event": "Product Viewed", "timestamp": "2026-01-01T00:00:00Z", "context": CONSENT},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    home = tmp_path / "home"
    database = open_database(home / "opportune.db")
    done = import_history(
        file, database=database, home=home, mapping=read_mapping(), received_at=wall(), tracking="analytics"
    )
    database.dispose()

    assert (done.rows, done.added, done.untracked, done.rejected) == (3, 1, 1, 1)
    assert ANN[2] not in done.rejects.read_text() + done.first_reject
    assert [(name, word) for name, word in _found(home) if word in ANN] == []


def _found(home):
    return [
        (each.name, word)
        for each in home.rglob("*")
        if each.is_file()
        for word in ANN
        if word.encode() in each.read_bytes()
    ]
