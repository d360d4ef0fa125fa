"""Webhooks and outcomes over HTTP, on the real application with a real log."""

import gzip
import json

import pytest
from sqlalchemy import insert

from features.kinds import Kind
from serving.schema import decisions, outbox
from tests.contract.running import opened, running
from tests.serving.webhooks import (
    CERTIFICATE,
    MAILGUN_KEY,
    TOPIC,
    basic,
    mailgun,
    postmark,
    sendgrid_event,
    sendgrid_headers,
    sendgrid_public_key,
    ses,
    shop_signature,
    sns,
    sns_certificate,
)

NOW_S = 1_772_471_100
HOOKS = f"""
sendgrid: {{public_key_env: T_SENDGRID}}
mailgun: {{signing_key_env: T_MAILGUN, tolerance: 3000d}}
ses: {{topics: ["{TOPIC}"], certificates: certificates}}
postmark: {{user: opportune, password_env: T_POSTMARK}}
sources:
  shop:
    secret_env: T_SHOP
    signature: X-Shop-Signature
    events:
      "*":
        event: completed_order
        user_id: customer.id
        email: email
        at: created_at
        id: id
        properties: {{order_id: id, total: total_price}}
        products: {{each: line_items, fields: {{product_id: product_id, price: price, quantity: quantity}}}}
"""
SECRETS = {
    "T_SENDGRID": sendgrid_public_key(),
    "T_MAILGUN": MAILGUN_KEY,
    "T_POSTMARK": "password",
    "T_SHOP": "hush",
}
PROVIDERS = ("sendgrid", "mailgun", "ses", "postmark", "shop")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    file = home / "hooks.yaml"
    file.write_text(HOOKS, encoding="utf-8")
    (home / "certificates").mkdir()
    (home / "certificates" / CERTIFICATE.rpartition("/")[2]).write_bytes(sns_certificate())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        with running(home, hooks=file) as up:
            yield up


def rows(server, query, *values):
    with opened(server.home) as database, database.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query, values)]


def somebody(server, name, *, delivered_at=None):
    """Make somebody with an address and a decision whose message went out; return the decision's id."""
    user = {"userId": name, "traits": {"email": f"{name}@example.org"}, "timestamp": "2026-03-01T00:00:00Z"}
    assert server.ask("POST", "/v1/identify", user).status == 200
    [(number,)] = rows(server, "SELECT user_no FROM users WHERE user_key = ?", name)
    decision = f"{name}0000.cart"
    with opened(server.home) as database, database.begin() as connection:
        connection.execute(
            insert(decisions),
            {
                "trigger_decision_id": decision,
                "decision_id": f"{name}0000",
                "user_no": number,
                "trigger": "cart",
                "at": 1_772_000_000_000_000,
                "event_seq": 1,
                "action": "send",
                "reason": "sent",
                "propensity": 0.9,
                "policy_version": "p1",
            },
        )
        connection.execute(
            insert(outbox),
            {
                "message_id": f"msg_{name}",
                "trigger_decision_id": decision,
                "endpoint": "default",
                "body": "{}",
                "due_at": 1,
                "status": "delivered",
                "attempts": 1,
                "next_attempt_at": 1,
                "lease_until": 0,
                "created_at": 1,
                "delivered_at": delivered_at,
                "channel": "email",
            },
        )
    return decision


def sendgrid(server, *events):
    body = json.dumps(events).encode()
    return server.ask("POST", "/v1/hooks/sendgrid", body, **sendgrid_headers(body))


def told(server, name, kind):
    """The properties of what the log has of somebody."""
    query = (
        "SELECT e.payload FROM events e JOIN users u USING (user_no) WHERE u.user_key = ? AND kind = ? ORDER BY e.seq"
    )
    return [json.loads(payload).get("properties", {}) for (payload,) in rows(server, query, name, int(kind))]


def outcomes_of(server, decision):
    query = "SELECT kind FROM outcomes WHERE trigger_decision_id = ? ORDER BY event_seq"
    return [kind for (kind,) in rows(server, query, decision)]


def people(server):
    return rows(server, "SELECT count(*) FROM users")[0][0]


def test_reports_of_every_provider_find_their_person_by_the_decision(server):
    decision = somebody(server, "ada")
    other = {"email": "forwarded@example.org", "decision_id": decision}
    before = people(server)

    assert sendgrid(server, sendgrid_event("delivered", **other)).json() == {"success": True, "accepted": 1}
    opened_ = mailgun("opened", recipient="forwarded@example.org", **{"user-variables": {"decision_id": decision}})
    assert server.ask("POST", "/v1/hooks/mailgun", opened_).json() == {"success": True, "accepted": 1}
    click = ses("Click", link="https://shop.example/a", timestamp="2026-03-03T17:05:00Z")
    click["mail"]["tags"] = {"decision_id": [decision]}
    assert server.ask("POST", "/v1/hooks/ses", sns(click)).json() == {"success": True, "accepted": 1}
    complaint = postmark("SpamComplaint", Email="forwarded@example.org", BouncedAt="2026-03-04T17:05:00Z")
    answer = server.ask(
        "POST",
        "/v1/hooks/postmark",
        complaint | {"Metadata": {"decision_id": decision}},
        Authorization=basic("opportune", "password"),
    )

    assert answer.json() == {"success": True, "accepted": 1}
    assert outcomes_of(server, decision) == ["delivered", "opened", "clicked", "complained"]
    [found] = told(server, "ada", Kind.EMAIL_CLICKED)
    assert found["url"] == "https://shop.example/a"
    assert (found["decision_id"], found["provider"]) == (decision, "ses")
    assert people(server) == before


def test_without_a_decision_the_address_says_whose_it_is(server):
    somebody(server, "bea")

    answer = sendgrid(server, sendgrid_event("open", 2, email="Bea@Example.org", decision_id=None))

    assert answer.json() == {"success": True, "accepted": 1}
    assert len(told(server, "bea", Kind.EMAIL_OPENED)) == 1


def test_our_id_of_the_message_leads_to_the_decision_too(server):
    decision = somebody(server, "cleo")

    told_ = {"outcome": "opened", "at": "2026-03-02T17:05:00Z", "message_id": "msg_cleo"}
    answer = server.ask("POST", "/v1/outcomes", {"outcomes": [told_]})

    assert (answer.status, answer.json()) == (200, {"success": True, "accepted": 1})
    assert told(server, "cleo", Kind.EMAIL_OPENED)[0]["decision_id"] == decision
    assert outcomes_of(server, decision) == ["opened"]


def test_what_is_told_again_counts_once(server):
    decision = somebody(server, "dora")
    event = sendgrid_event("open", 3, decision_id=decision)

    assert sendgrid(server, event).json() == {"success": True, "accepted": 1}
    assert sendgrid(server, event).json() == {"success": True, "duplicates": 1}
    assert sendgrid(server, event, event).json() == {"success": True, "duplicates": 2}
    assert outcomes_of(server, decision) == ["opened"]


def test_a_report_about_nobody_is_counted_once_and_makes_nobody(server):
    before, counted = people(server), rows(server, "SELECT count(*) FROM reports")[0][0]
    event = sendgrid_event("open", 4, email="stranger@example.org", decision_id="unknown.cart")

    assert sendgrid(server, event).json() == {"success": True, "strangers": 1}
    assert sendgrid(server, event).json() == {"success": True}

    assert people(server) == before
    assert rows(server, "SELECT count(*) FROM reports")[0][0] == counted + 1
    everything = rows(server, "SELECT * FROM reports")
    assert "stranger" not in repr(everything)
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'opportune_reports_total{outcome="strangers",source="sendgrid"}' in metrics


@pytest.mark.parametrize(
    ("event", "more", "reason"),
    [
        ("unsubscribe", {}, "unsubscribed"),
        ("spamreport", {}, "complained"),
        ("bounce", {"type": "bounce"}, "bounced"),
        ("bounce", {"type": "blocked"}, None),
    ],
)
def test_an_address_of_nobody_is_heeded_all_the_same(server, event, more, reason):
    address = f"{event}-{reason}@nobody.example"

    assert sendgrid(server, sendgrid_event(event, 5, email=address, decision_id=None, **more)).status == 200

    found = rows(server, "SELECT channel, reason FROM suppressions WHERE subject = ?", address)
    assert found == ([] if reason is None else [("email", reason)])


def test_an_address_that_two_people_have_is_nobodys_and_is_suppressed_for_both(server):
    for name in ("eve", "fay"):
        somebody(server, name)
        server.ask("POST", "/v1/identify", {"userId": name, "traits": {"email": "both@example.org"}})

    assert sendgrid(server, sendgrid_event("unsubscribe", 6, email="both@example.org", decision_id=None)).json() == {
        "success": True,
        "strangers": 1,
    }
    assert rows(server, "SELECT kind FROM suppressions WHERE subject = 'both@example.org'") == [("address",)]


def test_an_unsubscription_and_a_bounce_suppress_the_person(server):
    decision = somebody(server, "gil")

    sendgrid(server, sendgrid_event("unsubscribe", 7, email="gil@example.org", decision_id=decision))

    found = rows(server, "SELECT kind, channel, reason FROM suppressions WHERE subject IN ('gil', 'gil@example.org')")
    assert sorted(found) == [("address", "email", "unsubscribed"), ("user", "email", "unsubscribed")]


def test_a_scanner_that_follows_every_link_clicks_nothing_that_counts(server):
    decision = somebody(server, "hal")
    links = [f"https://shop.example/{i}" for i in range(5)]
    scanned = [
        sendgrid_event("click", 10 + i, at=NOW_S + 900, decision_id=decision, url=link) for i, link in enumerate(links)
    ]

    assert sendgrid(server, *scanned).json() == {"success": True, "accepted": 5}

    assert [each["machine"] for each in told(server, "hal", Kind.EMAIL_CLICKED)] == [True] * 5
    assert outcomes_of(server, decision) == []


def test_a_click_sooner_than_anybody_reads_is_a_machines_and_a_later_one_a_persons(server):
    decision = somebody(server, "ida", delivered_at=(NOW_S - 2) * 1_000_000)
    url = "https://shop.example/"

    sendgrid(server, sendgrid_event("delivered", 20, at=NOW_S, decision_id=decision))
    sendgrid(server, sendgrid_event("click", 21, at=NOW_S + 4, decision_id=decision, url=url))
    sendgrid(server, sendgrid_event("click", 22, at=NOW_S + 60, decision_id=decision, url=url))
    sendgrid(server, sendgrid_event("click", 23, at=NOW_S + 61, decision_id=decision, url=url + "other"))

    clicks = told(server, "ida", Kind.EMAIL_CLICKED)
    assert [each.get("machine", False) for each in clicks] == [True, False, True]
    assert outcomes_of(server, decision) == ["delivered", "clicked"]


def test_an_open_by_a_machine_is_kept_and_counts_for_nothing(server):
    decision = somebody(server, "jo")
    apple, gmail = (
        "Mozilla/5.0",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
    )
    proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"

    sendgrid(
        server,
        sendgrid_event("open", 30, decision_id=decision, sg_machine_open=True),
        sendgrid_event("open", 31, decision_id=decision, useragent=apple),
        sendgrid_event("open", 32, decision_id=decision, useragent=gmail),
        sendgrid_event("open", 33, decision_id=decision, useragent=proxy),
    )

    assert [each.get("machine", False) for each in told(server, "jo", Kind.EMAIL_OPENED)] == [True, True, True, False]
    assert outcomes_of(server, decision) == ["opened"]


def test_an_order_of_a_shop_becomes_an_event_like_any_other(server):
    order = {
        "id": 820982911946154508,
        "created_at": "2026-03-02T12:05:00-05:00",
        "total_price": "398.00",
        "customer": {"id": "kim"},
        "line_items": [{"product_id": 632910392, "price": "199.00", "quantity": 2}],
    }
    body = json.dumps(order).encode()

    def send(body):
        return server.ask("POST", "/v1/hooks/shop", body, X_Shop_Signature=shop_signature(body, "hush"))

    assert send(body).json() == {"success": True, "accepted": 1}
    assert send(body).json() == {"success": True, "duplicates": 1}
    [found] = told(server, "kim", Kind.ORDER_COMPLETED)
    assert found["products"] == [{"product_id": 632910392, "price": "199.00", "quantity": 2}]
    wrong = json.dumps(order | {"id": 2, "total_price": "much"}).encode()
    assert (send(wrong).status, send(wrong).json()["field"]) == (400, "properties.total")


def test_one_event_that_cannot_be_used_spoils_no_other(server):
    decision = somebody(server, "lea")
    good = sendgrid_event("open", 40, decision_id=decision)
    broken = sendgrid_event("open", 41, decision_id=decision, at="soon")

    answer = sendgrid(server, broken, good, 7)

    assert (answer.status, answer.json()["accepted"]) == (200, 1)
    assert [(each["index"], each["field"]) for each in answer.json()["rejected"]] == [(0, "[0].timestamp"), (2, "[2]")]
    alone = sendgrid(server, broken)
    assert (alone.status, alone.json()["field"]) == (400, "[0].timestamp")


@pytest.mark.parametrize(
    ("outcome", "field"),
    [
        ({"outcome": "seen", "at": "2026-03-02T17:05:00Z", "user_id": "u"}, "outcomes.0.outcome"),
        ({"outcome": "opened", "at": "yesterday", "user_id": "u"}, "outcomes.0.at"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z"}, "outcomes[0].decision_id"),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z", "address": "@"}, None),
        ({"outcome": "opened", "channel": "sms", "at": "2026-03-02T17:05:00Z", "user_id": "u"}, "outcomes[0].outcome"),
        ({"outcome": "opened", "at": "2999-03-02T17:05:00Z", "user_id": "u"}, None),
        ({"outcome": "opened", "at": "2026-03-02T17:05:00Z", "user_id": "anonymous:u"}, None),
    ],
)
def test_an_outcome_that_cannot_be_meant_is_refused_by_its_place(server, outcome, field):
    answer = server.ask("POST", "/v1/outcomes", {"outcomes": [outcome]})

    assert answer.status in (200, 400)
    if field is not None:
        assert (answer.status, answer.json()["field"]) == (400, field)


def test_outcomes_of_somebody_unknown_make_nobody(server):
    before = people(server)
    told_ = {"outcome": "clicked", "at": "2026-03-02T17:05:00Z", "user_id": "nobody-yet", "id": "1"}

    assert server.ask("POST", "/v1/outcomes", {"outcomes": [told_]}).json() == {"success": True, "strangers": 1}
    assert people(server) == before


def test_an_unsubscription_from_text_messages_leaves_mails_alone(server):
    somebody(server, "mia")
    told_ = {"outcome": "unsubscribed", "channel": "sms", "at": "2026-03-02T17:05:00Z", "user_id": "mia"}

    assert server.ask("POST", "/v1/outcomes", {"outcomes": [told_]}).json() == {"success": True, "accepted": 1}
    assert rows(server, "SELECT channel FROM suppressions WHERE subject = 'mia'") == [("sms",)]


def test_whoever_has_no_secret_here_gets_404(tmp_path):
    with running(tmp_path) as bare:
        for name in (*PROVIDERS, "%00", "x" * 300):
            answer = bare.ask("POST", f"/v1/hooks/{name}", {})
            assert (answer.status, answer.json()["code"]) == (404, "not_found"), name


BODIES = [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 30_000, b'{"a":"\\ud800"}', b"{}", b"[[]]"]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body[:12]))
def test_no_body_whatsoever_breaks_the_server(server, name, body):
    signed = {
        "sendgrid": sendgrid_headers(body),
        "postmark": {"Authorization": basic("opportune", "password")},
        "shop": {"X-Shop-Signature": shop_signature(body, "hush")},
    }
    unsigned = server.ask("POST", f"/v1/hooks/{name}", body)
    answer = server.ask("POST", f"/v1/hooks/{name}", body, **signed.get(name, {}))

    assert unsigned.status in (400, 401)
    assert answer.status in (200, 400, 401)
    if answer.status != 200:
        assert {"code", "message"} <= set(answer.json())


@pytest.mark.parametrize("name", PROVIDERS)
def test_hooks_are_as_strict_as_every_route(server, name):
    path = f"/v1/hooks/{name}"
    large = b'{"a":"' + b"x" * 1_100_000 + b'"}'

    assert server.ask("POST", path, large).status == 413
    assert server.ask("POST", path, gzip.compress(b"x" * 20_000_000), Content_Encoding="gzip").status == 413
    assert server.ask("POST", path, b"no gzip", Content_Encoding="gzip").status == 400
    for method in ("GET", "PUT", "DELETE", "TRACE"):
        answer = server.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_whose_signature_is_wrong_is_told_so(server):
    body = json.dumps([sendgrid_event("open", 50)]).encode()

    answer = server.ask("POST", "/v1/hooks/sendgrid", body + b" ", **sendgrid_headers(body))

    assert (answer.status, answer.json()["code"]) == (401, "signature_refused")
