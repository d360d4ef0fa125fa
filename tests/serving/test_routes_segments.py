"""Segments over HTTP, on the real engine."""

import pytest

from tests.serving.asking import edge_of, reply
from tests.serving.engines import event, shops

__all__ = ["shops"]
POLICY = """
segments:
  - name: buyers
    notify: crm
    when:
      count: {event: Order Completed, within: 30d, at_least: 1}
  - name: nobody
    when:
      count: {event: Order Completed, at_least: 100}
"""


@pytest.fixture
def shop(shops):
    return shops(POLICY)


async def ask(shop, path):
    return await reply(edge_of(shop), "GET", path, {}, [b""])


async def test_each_segment_is_told_in_words_with_its_size(shop):
    await shop.engine.ingest([event("Order Completed", each) for each in "uvw"])

    told = (await ask(shop, "/v1/segments")).json

    assert told == {
        "policy_version": shop.engine.policy.version,
        "segments": [
            {
                "name": "buyers",
                "in_words": "Everybody for whom this is so: Order Completed happened at least 1 time within 30 days; "
                "crm is told who enters and who leaves.",
                "notify": "crm",
                "size": 3,
            },
            {
                "name": "nobody",
                "in_words": "Everybody for whom this is so: Order Completed happened at least 100 times so far.",
                "notify": None,
                "size": 0,
            },
        ],
        "waiting": 0,
    }


async def test_pages_repeat_nobody_and_leave_nobody_out_whoever_comes_meanwhile(shop):
    await shop.engine.ingest([event("Order Completed", each) for each in ("u", "v", "w")])
    first = (await ask(shop, "/v1/segments/buyers/users?limit=2")).json
    await shop.engine.ingest([event("Order Completed", "x", 1)])
    await shop.engine.erase("u")
    second = (await ask(shop, f"/v1/segments/buyers/users?limit=2&after={first['next']}")).json

    assert [each["user_id"] for each in first["users"] + second["users"]] == ["u", "v", "w", "x"]
    assert first["users"][0]["since"].startswith("2023-11-14T22:13:20")
    assert second["next"] is None


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/segments/browsers/users", 404, "unknown_segment"),
        ("/v1/segments/buyers/users?after=x", 400, "invalid_field"),
        ("/v1/segments/buyers/users?limit=0", 400, "invalid_field"),
    ],
)
async def test_what_cannot_be_answered_says_why(shop, path, status, code):
    refused = await ask(shop, path)

    assert (refused.status, refused.json["code"]) == (status, code)
