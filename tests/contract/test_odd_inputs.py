"""Whatever arrives at the routes around delivery, it is taken or refused with the place, and never fails the server."""

import copy
import json
from urllib.parse import quote

import pytest

from serving.driver import driver
from serving.tokens import tokens_of
from tests.contract.running import opened
from tests.serving import webhooks
from tests.serving.reporting import reporting, somebody
from tests.serving.webhooks import basic, sendgrid_headers, shop_signature

ODD = [
    None,
    [],
    {},
    "",
    "x" * 20_000,
    -1,
    1e308,
    10**400,
    True,
    "half: \ud83d",
    "\x00",
    "9999-99-99",
    [[None]],
    {"": 1},
]
NOT_JSON = [b"", b"{", b"\xff\xfe", b"NaN", b"1e999", b"[" * 50_000, b'{"a":1}{"b":2}', b"null", b"[null, 1]"]
AT = "2026-03-02T17:05:00Z"
SHOP = {"id": 7, "customer": {"id": "ada"}, "email": "a@b.example", "created_at": AT, "line_items": [{"price": "2"}]}
BOUNCE = {"Type": "HardBounce", "Email": "ada@example.org", "BouncedAt": AT}
OUTCOME = {"outcome": "bounced", "channel": "email", "decision_id": "d", "at": AT, "id": "x", "address": "a@b.example"}
PRODUCT = {"product_id": "p", "price": 1.5, "currency": "EUR", "url": "https://x.example", "attributes": {"a": 1}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with reporting(tmp_path_factory.mktemp("home")) as up:
        somebody(up, "ada")
        yield up


def sns(told):
    return json.dumps(webhooks.sns(json.dumps(told))).encode()


def plain(told):
    return json.dumps(told).encode()


# What a route is asked, how that becomes a body, and the headers that prove it.
ASKED = {
    "POST /v1/hooks/sendgrid": ([webhooks.sendgrid_event("bounce", reason="x")], plain, sendgrid_headers),
    "POST /v1/hooks/mailgun": (webhooks.mailgun("failed", severity="permanent"), plain, lambda _: {}),
    "POST /v1/hooks/ses": (webhooks.ses("Bounce", bounceType="Permanent"), sns, lambda _: {}),
    "POST /v1/hooks/postmark": (
        webhooks.postmark("Bounce", **BOUNCE),
        plain,
        lambda _: {"Authorization": basic("opportune", "password")},
    ),
    "POST /v1/hooks/shop": (SHOP, plain, lambda body: {"X-Shop-Signature": shop_signature(body, "hush")}),
    "POST /v1/outcomes": ({"outcomes": [OUTCOME]}, plain, lambda _: {}),
    "PUT /v1/products": ({"products": [PRODUCT]}, plain, lambda _: {}),
    "POST /v1/dead-letters/redrive": ({"message_id": "msg_0"}, plain, lambda _: {}),
    "PATCH /v1/users/ada/profile": ({"profile": {"tier": "gold", "timezone": "UTC"}}, plain, lambda _: {}),
    "PUT /v1/users/ada/consents": ({"consents": {"marketing": True}}, plain, lambda _: {}),
    "PUT /v1/suppressions": ({"address": "a@b.example", "channel": "email"}, plain, lambda _: {}),
}


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*path, name))


def with_odd(value, path, odd):
    if not path:
        return odd
    made = copy.deepcopy(value)
    within = made
    for name in path[:-1]:
        within = within[name]
    within[path[-1]] = odd
    return made


def is_told(answer):
    """Whether an answer is one that whoever asked can do something with."""
    if answer.status < 400:
        return True
    said = answer.json()
    return answer.status < 500 and bool(said["detail"]) and said["status"] == answer.status


@pytest.mark.parametrize("route", ASKED)
def test_an_odd_value_anywhere_is_taken_or_told(server, route):
    method, _, path = route.partition(" ")
    usual, encoded, proof = ASKED[route]
    bodies = NOT_JSON + [
        encoded(with_odd(usual, place, ODD[(3 * number + turn) % len(ODD)]))
        for number, place in enumerate(places(usual))
        # Every value comes up somewhere; all of them everywhere would take a minute.
        for turn in range(3)
    ]

    bad = [body[:200] for body in bodies if not is_told(server.ask(method, path, body, **proof(body)))]

    assert bad == []
    assert len(bodies) >= len(NOT_JSON) + 6


def test_an_odd_token_is_a_page_that_says_so(server):
    with opened(server.home) as database, database.begin() as connection:
        tokens = tokens_of(driver(connection), None)
    good = [tokens.unsubscribe("ada", "email", "marketing", "m"), tokens.opened("m"), tokens.clicked("m", "https://[")]
    odd = ["x", "\x00", "..", "é", "=" * 9000, *(each[:-1] for each in good), *(f"{each}A" for each in good), *good]
    asked = [(f"/{kind}/{quote(token)}", method) for token in odd for kind in "uoc" for method in ("GET", "POST")]
    forms = {"application/x-www-form-urlencoded": b"\xff=%zz&&", "multipart/form-data; boundary=x": b"--x\r\nbroken"}

    statuses = {
        server.ask(method, path, body if method == "POST" else b"", Content_Type=kind).status
        for path, method in asked
        for kind, body in forms.items()
    }

    assert statuses <= {200, 302, 400, 404, 405}
