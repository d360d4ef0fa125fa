import pytest

from features.catalog import CATALOGUE
from tests.models.segments import segments
from tests.serving.asking import Site, site, site_with_keys
from tests.serving.databases import database
from tests.serving.test_edge import is_problem

__all__ = ["database", "site"]


def test_features_come_with_their_meaning_and_null_where_there_is_no_answer(site):
    told = site.ask("GET", "/v1/users/u-1/features").json

    assert (told["user_id"], told["at"], told["catalogue"]) == (
        "u-1",
        "2023-11-14T22:13:20.000001Z",
        CATALOGUE.fingerprint,
    )
    assert [each["name"] for each in told["features"]] == list(CATALOGUE.names)
    assert {each["value"] for each in told["features"]} == {None}
    assert all(each["meaning"] for each in told["features"])
    assert told["segments"] == {}


def test_features_come_with_the_learned_segments(database):
    with_segments = Site(database, open_without_keys=True, learned=segments)

    # Of somebody of whom nothing is known: (0 - 1) / 0.7 and (0 - 0.5) / 0.3 are nearer to the second centre.
    told = with_segments.ask("GET", "/v1/users/u-1/features").json["segments"]
    assert told == {"rfm": "never-bought", "clusters": "few-views-many-orders"}


def test_while_no_model_says_anything_of_hours_the_answer_is_null(site):
    assert site.ask("GET", "/v1/users/u-1/send-hour").json == {
        "user_id": "u-1",
        "at": "2023-11-14T22:13:20.000001Z",
        **dict.fromkeys(("timezone", "model", "send_hour", "send_at", "confidence", "personal", "hours")),
    }
    assert is_problem(site.ask("GET", "/v1/users/stranger/send-hour"), 404, "unknown_user", "user_id")
    assert site.engine.kept == [False, False]


def test_a_look_at_features_is_never_written_down(site):
    site.ask("GET", "/v1/users/u-1/features")
    site.ask("POST", "/v1/score", {"user_id": "u-1"})

    assert site.engine.kept == [False, True]


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/v1/users/a/b/features", ("a/b", None)),
        ("/v1/users/anonymous:a-1/features", (None, "a-1")),
        ("/v1/users/ü@example.org/features", ("ü@example.org", None)),
        ("/v1/users/features/features", ("features", None)),
    ],
)
def test_any_id_has_its_features(site, path, user):
    assert site.ask("GET", path).status == 200
    assert site.engine.asked[0][0] == [user]


def test_a_user_of_whom_nothing_is_known_has_none(site):
    assert is_problem(site.ask("GET", "/v1/users/stranger/features"), 404, "unknown_user", "user_id")
    assert is_problem(site.ask("GET", "/v1/decisions?user_id=stranger"), 404, "unknown_user", "user_id")
    assert is_problem(site.ask("GET", "/v1/users/%20/features".replace("%20", " ")), 400, "invalid_field", "user_id")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "user_id"),
        ("user_id=anonymous:x", "user_id"),
        ("user_id=u&limit=0", "limit"),
        ("user_id=u&limit=201", "limit"),
        ("user_id=u&limit=many", "limit"),
        ("user_id=" + "u" * 257, "user_id"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_name(site, query, field):
    assert is_problem(site.ask("GET", f"/v1/decisions?{query}"), 400, "invalid_field", field)


def test_readiness_says_what_is_missing(database):
    assert Site(database).ask("GET", "/readyz").json == {"ready": True, "missing": [], "remarks": []}

    waiting = Site(database, missing=["the states of 7 users"]).ask("GET", "/readyz")

    assert waiting.status == 503
    assert waiting.json == {"ready": False, "missing": ["the states of 7 users"], "remarks": []}


def test_metrics_are_for_whoever_may_ask_for_scores(database):
    site, keys = site_with_keys(database)

    assert is_problem(site.ask("GET", "/metrics"), 401, "key_missing")
    assert is_problem(site.ask("GET", "/metrics", key=keys["ingest"]), 403, "scope_missing")
    told = site.ask("GET", "/metrics", key=keys["score"])
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b'opportune_requests_total{route="/metrics",status="401"} 1.0' in told.body
