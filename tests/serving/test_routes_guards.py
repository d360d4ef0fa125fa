"""The suppression list and people's consents, over HTTP on the real engine."""

import json

import pytest

from tests.serving.asking import edge_of, reply
from tests.serving.engines import event, shop

__all__ = ["shop"]
LIST = "/v1/suppressions"
SAID = "/v1/users/u/consents"


class Site:
    """The HTTP interface on a shop's engine."""

    def __init__(self, shop):
        self.shop = shop
        self.edge = edge_of(shop)

    async def ask(self, method, path, body=None):
        sent = b"" if body is None else json.dumps(body).encode()
        return await reply(self.edge, method, path, {}, [sent])


@pytest.fixture
def site(shop):
    return Site(shop)


async def test_who_is_put_on_the_list_is_on_it_until_taken_off(site):
    put = await site.ask("PUT", LIST, {"address": " Ada@Example.org", "channel": "email", "reason": "complained"})
    listed = await site.ask("GET", LIST)
    removed = await site.ask("DELETE", f"{LIST}?address=ada@example.org&channel=email")
    again = await site.ask("DELETE", f"{LIST}?address=ada@example.org&channel=email")

    assert (put.json["address"], put.json["user_id"], put.json["reason"]) == ("ada@example.org", None, "complained")
    assert listed.json == {"suppressions": [put.json], "next": None}
    assert (removed.json, again.json) == ({"removed": True}, {"removed": False})
    assert (await site.ask("GET", LIST)).json["suppressions"] == []


async def test_the_answer_is_what_the_list_says_and_not_what_was_asked_for(site):
    first = await site.ask("PUT", LIST, {"user_id": "u", "reason": "complained"})
    second = await site.ask("PUT", LIST, {"user_id": "u", "reason": "manual"})

    assert second.json == first.json
    assert (await site.ask("GET", LIST)).json["suppressions"] == [first.json]


async def test_the_list_comes_in_pages_that_miss_nobody(site):
    users = [f"u:{n}" for n in range(5)]
    for each in users:
        await site.ask("PUT", LIST, {"user_id": each})
    found, after = [], ""
    while after is not None:
        page = (await site.ask("GET", f"{LIST}?limit=2&after={after}")).json
        found += [each["user_id"] for each in page["suppressions"]]
        after = page["next"]

    assert found == users


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", LIST, {}, "user_id"),
        ("PUT", LIST, {"user_id": "u", "address": "a@b.c"}, "user_id"),
        ("PUT", LIST, {"user_id": ""}, "user_id"),
        ("PUT", LIST, {"user_id": "u" * 257}, "user_id"),
        ("PUT", LIST, {"address": "nobody"}, "address"),
        ("PUT", LIST, {"user_id": "u", "channel": "fax"}, "channel"),
        ("PUT", LIST, {"user_id": "u", "reason": "dislike"}, "reason"),
        ("PUT", LIST, {"user_id": "u", "chanel": "sms"}, "chanel"),
        ("GET", f"{LIST}?limit=0", None, "limit"),
        ("GET", f"{LIST}?after=nonsense", None, "after"),
        ("DELETE", LIST, None, "user_id"),
        ("DELETE", f"{LIST}?user_id=u&channel=fax", None, "channel"),
        ("PUT", SAID, {}, "consents"),
        ("PUT", SAID, {"consents": {}}, "consents"),
        ("PUT", SAID, {"consents": {"marketing": "yes"}}, "consents.marketing"),
        ("PUT", SAID, {"consents": {"marketing:fax": True}}, "consents.marketing:fax"),
        ("PUT", "/v1/users/anonymous:/consents", {"consents": {"marketing": True}}, "user_id"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(site, method, path, body, field):
    answer = await site.ask(method, path, body)

    assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "invalid_field", field), answer.json


async def test_what_a_person_said_is_kept_and_told(site):
    first = await site.ask("PUT", SAID, {"consents": {"Marketing": False, "marketing:sms": True}})
    told = (await site.ask("GET", SAID)).json

    assert first.status == 200, first.json
    assert told == first.json
    assert [(each["purpose"], each["channel"], each["granted"], each["source"]) for each in told["consents"]] == [
        ("marketing", "*", False, "statement"),
        ("marketing", "sms", True, "statement"),
    ]


async def test_what_is_said_is_an_event_like_any_other_and_counted(site):
    await site.ask("PUT", SAID, {"consents": {"marketing": True}})
    await site.ask("PATCH", "/v1/users/u/profile", {"profile": {"tier": "gold"}})

    counted = (await site.ask("GET", "/metrics")).body.decode()
    assert site.shop.rows("SELECT count(*) FROM events") == [(2,)]
    assert 'opportune_events_total{outcome="accepted"} 2.0' in counted


async def test_of_somebody_nobody_saw_there_is_no_consent_to_tell(site):
    assert (await site.ask("GET", SAID)).json["code"] == "unknown_user"

    await site.shop.engine.ingest([event("Product Viewed", "u", 1)])
    assert (await site.ask("GET", SAID)).json == {"user_id": "u", "consents": []}
