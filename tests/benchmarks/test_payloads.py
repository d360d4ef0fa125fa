"""Prebuilt requests are valid HTTP with the right length, and no two tell the same message."""

import json
import re

from benchmarks import payloads
from benchmarks.payloads import Recipe, request_source


def body_of(request: bytes) -> dict[str, object]:
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    assert int(length[1]) == len(body)
    decoded: dict[str, object] = json.loads(body)
    return decoded


def test_an_event_with_score_names_a_user_and_a_new_message_each_time() -> None:
    request = request_source(Recipe("/v1/score", "key", payloads.event_with_score(), users=50), seed=1)

    bodies = [body_of(request()) for _ in range(1000)]

    messages = {body["event"]["messageId"] for body in bodies}  # type: ignore[index]
    users = {body["user_id"] for body in bodies}
    assert len(messages) == 1000
    assert users == {payloads.user_name(number) for number in range(50)}


def test_a_batch_holds_as_many_events_each_with_its_own_message() -> None:
    request = request_source(Recipe("/v1/batch", "key", payloads.segment_batch(100)), seed=1)

    items = [item for _ in range(3) for item in body_of(request())["batch"]]  # type: ignore[attr-defined]

    assert len({item["messageId"] for item in items}) == 300
    assert all(re.fullmatch(r"u\d{7}", item["userId"]) for item in items)


def test_without_a_body_it_is_a_get_with_the_key() -> None:
    request = request_source(Recipe("/healthz", "secret"), seed=1)

    assert request().startswith(b"GET /healthz HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in request()
