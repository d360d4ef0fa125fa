"""Profiles over HTTP, on the real application."""

import pytest

from tests.contract.running import running

HOME = "/v1/users/u-1/profile"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("home")) as up:
        yield up


def nested(levels):
    return [nested(levels - 1)] if levels else []


def told(server, user, **fields):
    return server.ask("PATCH", f"/v1/users/{user}/profile", {"profile": fields})


def test_what_is_told_is_there_at_once_and_null_takes_it_back(server):
    first = told(server, "u-1", tier="gold", address={"city": "Bonn"}, timezone="Europe/Berlin", email="A@b.example")
    again = told(server, "u-1", tier=None, score=3.5)

    assert first.status == 200
    assert first.json() == {
        "user_id": "u-1",
        "profile": {"address": {"city": "Bonn"}, "tier": "gold", "timezone": "Europe/Berlin"},
        "addresses": ["a@b.example"],
    }
    assert again.json()["profile"] == {"address": {"city": "Bonn"}, "score": 3.5, "timezone": "Europe/Berlin"}
    assert server.ask("GET", HOME).json() == again.json()


def test_whoever_is_identified_has_the_profile_of_before(server):
    told(server, "anonymous:a-7", tier="iron")
    server.ask("POST", "/v1/identify", {"userId": "u-7", "anonymousId": "a-7", "traits": {"name": "Ann"}})

    for user in ("u-7", "anonymous:a-7"):
        assert server.ask("GET", f"/v1/users/{user}/profile").json()["profile"] == {"name": "Ann", "tier": "iron"}


def test_of_somebody_unknown_there_is_no_profile(server):
    answer = server.ask("GET", "/v1/users/nobody/profile")

    assert (answer.status, answer.json()["code"]) == (404, "unknown_user")


def test_a_field_for_which_there_is_no_room_is_missing_from_the_answer(server):
    full = told(server, "u-9", **{f"f{i}": i for i in range(100)})
    taken_back = told(server, "u-9", f0=None)
    further = told(server, "u-9", one_more=1, f1="new")

    assert len(full.json()["profile"]) == 100
    assert len(taken_back.json()["profile"]) == 99
    assert further.status == 200
    assert further.json()["profile"] == taken_back.json()["profile"] | {"f1": "new"}


def test_a_field_may_hold_lists_in_lists(server):
    answer = told(server, "u-10", tags=nested(61))

    assert answer.status == 200
    assert server.ask("GET", "/v1/users/u-10/profile").json()["profile"] == {"tags": nested(61)}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"bio": "x" * 999}, "profile.bio"),
        ({"tags": nested(63)}, "profile.tags"),
        ({"consents": {"marketing": True}}, "profile.consents"),
        ({"timezone": "Berlin"}, "profile.timezone"),
        ({"timezone": 7}, "profile.timezone"),
        ({"email": "ada"}, "profile.email"),
        ({"size": {"eu": [float("inf")]}}, "profile.size.eu[0]"),
        ({"bio": "half \ud83d"}, "profile.bio"),
        ({"phone": 49301234}, "profile.phone"),
        ({}, "profile"),
        ({f"f{i}": i for i in range(101)}, "profile"),
        ({"n" * 101: 1}, f"profile.{'n' * 101}"),
    ],
    ids=[
        "long",
        "deep",
        "consents",
        "no zone",
        "not even text",
        "no address",
        "no number",
        "half a character",
        "no text",
        "nothing",
        "too much",
        "a long name",
    ],
)
def test_what_could_not_be_kept_is_refused_by_name(server, fields, place):
    answer = told(server, "u-2", **fields)

    assert (answer.status, answer.json()["code"]) == (400, "invalid_field")
    assert answer.json()["field"] == place
    assert server.ask("GET", "/v1/users/u-2/profile").status == 404
