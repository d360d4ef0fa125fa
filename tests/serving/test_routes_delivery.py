"""Dead letters over HTTP, on the real application."""

import pytest

from serving.keys import SCOPES, create_key
from tests.contract.running import opened, running
from tests.serving.databases import NOW


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with opened(home) as database, database.begin() as connection:
        key = create_key(connection, "all", SCOPES, created_at=1)
        columns = "message_id, trigger_decision_id, endpoint, body, due_at, status, attempts, next_attempt_at,"
        for number in (1, 2):
            connection.exec_driver_sql(
                f"INSERT INTO outbox ({columns} lease_until, created_at, last_error)"
                " VALUES (?, 'd.cart', 'fax', '{}', ?, 'dead', 1, ?, 0, ?, 'the receiver answered 410')",
                (f"msg_{number}", NOW, NOW, NOW + number),
            )
    with running(home) as up:
        up.keys["all"] = key
        yield up


def ask(server, method, path, body=b""):
    return server.ask(method, path, body, key=server.keys["all"])


def test_dead_letters_are_listed_and_tried_anew(server):
    first = ask(server, "GET", "/v1/dead-letters?limit=1").json()
    second = ask(server, "GET", f"/v1/dead-letters?limit=1&before={first['next']}").json()

    assert [each["message_id"] for each in first["messages"] + second["messages"]] == ["msg_2", "msg_1"]
    assert second["next"] is None
    assert second["messages"][0]["error"] == "the receiver answered 410"

    assert ask(server, "POST", "/v1/dead-letters/redrive", {"message_id": "msg_1"}).json() == {"redriven": 1}
    assert ask(server, "POST", "/v1/dead-letters/redrive", {"endpoint": "fax"}).json() == {"redriven": 1}
    assert ask(server, "GET", "/v1/dead-letters").json() == {"messages": [], "next": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message_id": "msg_0"}, 404),
        ({}, 400),
        ({"message_id": "msg_1", "endpoint": "fax"}, 400),
        ({"message_id": 5}, 400),
    ],
)
def test_what_cannot_be_meant_is_refused(server, body, status, caplog):
    answer = ask(server, "POST", "/v1/dead-letters/redrive", body)

    assert answer.status == status
    assert answer.json()["status"] == status
    # Whoever asks for what is not there breaks nothing, so the log does not say so.
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


def test_a_page_that_was_never_given_out_is_refused(server):
    assert ask(server, "GET", "/v1/dead-letters?before=x").status == 400
