import json

import pytest

from features.events import BadEvent
from serving.errors import InvalidField, MethodRefused, TooManyRequests
from serving.problem import problem


def told(error):
    status, headers, body = problem(error, "/v1/track")
    return status, dict(headers), json.loads(body)


def test_a_bad_event_is_told_with_its_field_and_its_code():
    status, _, body = told(BadEvent("properties.price", "must be a number", "not_a_number"))

    assert status == 400
    assert body == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "properties.price: must be a number",
        "instance": "/v1/track",
        "code": "not_a_number",
        "message": "properties.price: must be a number",
        "field": "properties.price",
    }


def test_without_a_field_at_fault_none_is_named():
    assert "field" not in told(BadEvent("", "must be an object", "not_an_object"))[2]
    assert told(BadEvent("", "must be an object", "not_an_object"))[2]["message"] == "must be an object"


def test_an_error_says_its_docstring_when_there_is_nothing_more_to_say():
    assert told(TooManyRequests())[2]["message"] == "The key's allowance of requests is used up for the moment."


@pytest.mark.parametrize(("wait_s", "said"), [(0.2, b"1"), (1.0, b"1"), (1.2, b"2"), (None, b"1")])
def test_the_wait_is_told_in_whole_seconds_never_too_short(wait_s, said):
    assert told(TooManyRequests(retry_after_s=wait_s))[1][b"retry-after"] == said


def test_a_refused_method_names_those_that_are_answered():
    status, headers, _ = told(MethodRefused(("GET", "HEAD")))

    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")


def test_a_long_text_of_the_caller_comes_back_shortened():
    assert len(told(InvalidField("x" * 10_000, field="event"))[2]["detail"]) == 500
