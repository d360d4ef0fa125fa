"""Whose reports are, and whether a person did what they tell of; on the real application with a real log."""

import pytest

from features.kinds import Kind
from tests.serving.reporting import NOW_S, outcomes_of, people, reporting, rows, sendgrid, somebody, told
from tests.serving.webhooks import basic, mailgun, postmark, sendgrid_event, ses, sns


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with reporting(tmp_path_factory.mktemp("home")) as up:
        yield up


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
