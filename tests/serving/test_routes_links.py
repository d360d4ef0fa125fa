"""The links of messages over HTTP on the real engine: one click unsubscribes, a look changes nothing."""

import json
import re

import pytest

from serving.hook_sendgrid import SendGrid
from serving.pixel import GIF
from serving.scanners import TOO_FAST_US
from serving.tokens import Tokens
from tests.serving.asking import edge_of
from tests.serving.engines import START, Shop, event
from tests.serving.links_site import (
    BROWSER,
    FORM,
    MULTIPART,
    ONE_CLICK,
    POLICY,
    SHOP_PAGE,
    TOKENS,
    Site,
    opt_out,
    shops,
    site,
)
from tests.serving.webhooks import sendgrid_event, sendgrid_headers, sendgrid_public_key

__all__ = ["shops", "site"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (FORM, "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=x"),
        (b"", "text/plain"),
        (b"\xff\x00&=;%", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 5000), "application/x-www-form-urlencoded"),
    ],
    ids=["urlencoded", "multipart", "nothing", "no form", "a thousand fields"],
)
async def test_one_post_without_cookie_or_key_unsubscribes_and_takes_back_what_is_pending(site, body, kind):
    path = opt_out(await site.message())

    answer = await site.ask("POST", path, body, {"content-type": kind})

    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not {"location", "set-cookie"} & set(answer.headers)
    assert b"You are unsubscribed" in answer.body
    assert site.statuses() == [("withdrawn", "suppressed: unsubscribed")]
    await site.add_to_cart(60)
    assert site.shop.rows("SELECT reason FROM decisions ORDER BY rowid") == [("sent",), ("suppressed",)]


async def test_the_event_of_it_names_the_decision(site):
    message_id = await site.message()
    [(decision,)] = site.shop.rows("SELECT trigger_decision_id FROM outbox")
    await site.ask("POST", opt_out(message_id), FORM, ONE_CLICK)

    assert site.events("Unsubscribed") == [(message_id, decision, None)]


async def test_what_links_tell_is_counted(site):
    message_id = await site.message()
    await site.ask("POST", opt_out(message_id), FORM, ONE_CLICK)
    await site.ask("GET", f"/o/{TOKENS.opened(message_id)}.gif")

    counted = (await site.ask("GET", "/metrics")).body.decode()
    assert 'opportune_events_total{outcome="accepted"} 2.0' in counted


async def test_again_changes_nothing(site):
    path = opt_out(await site.message())
    for _ in range(3):
        assert (await site.ask("POST", path, FORM, ONE_CLICK)).status == 200

    assert len(site.events("Unsubscribed")) == 1


async def test_one_click_is_heeded_of_somebody_whose_address_bounced_and_who_had_said_no(site):
    path = opt_out(await site.message())
    no = {"traits": {"email": "old@example.org", "consents": {"marketing:email": False}}}
    await site.shop.engine.ingest([event("", "u", 1, type="identify", **no), event("Email Bounced", "u", 2)])

    for _ in range(2):
        await site.ask("POST", path, FORM, ONE_CLICK)

    assert site.shop.rows("SELECT reason FROM suppressions WHERE kind = 'user'") == [("unsubscribed",)]
    assert len(site.events("Unsubscribed")) == 1


async def test_an_opt_out_of_one_channel_leaves_the_others(site):
    await site.ask("POST", opt_out(await site.message(), channel="sms"), FORM, ONE_CLICK)

    assert site.statuses() == [("pending", None)]
    assert site.shop.rows("SELECT channel, reason FROM suppressions") == [("sms", "unsubscribed")]


async def test_whoever_is_not_tracked_may_unsubscribe_too(tmp_path):
    shop = Shop(tmp_path, policy=POLICY, tracking="tracking")
    try:
        answer = await Site(shop).ask("POST", opt_out(user="nobody we know"), FORM, ONE_CLICK)

        assert answer.status == 200
        assert shop.rows("SELECT subject, channel, reason FROM suppressions") == [
            ("nobody we know", "email", "unsubscribed")
        ]
    finally:
        shop.close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_the_page_changes_nothing(site, method):
    path = opt_out(await site.message())

    answer = await site.ask(method, path)

    assert answer.status == 200
    assert site.statuses() == [("pending", None)]
    assert site.shop.rows("SELECT * FROM suppressions") == []
    assert site.shop.rows("SELECT * FROM consents") == []


async def test_the_page_loads_nothing_runs_nothing_and_tells_nobody(site):
    page = await site.ask("GET", opt_out())
    text = page.body.decode()

    assert re.search(r"(?i)<script|<img|@import|url\(|https?:|\son\w+=", text) is None
    assert re.findall(r'href="([^"]*)"', text) == ["data:,"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert '<html lang="en">' in text
    assert text.count("<h1>") == text.count("<main>") == 1
    assert text.count("<label>") == text.count('type="checkbox"') == 3


async def test_the_page_offers_what_triggers_may_send_and_says_what_holds(site):
    await site.add_to_cart()
    path = opt_out()

    page = await site.ask("GET", path)
    assert site.forms(page) == {"marketing:email": True, "news:email": False, "news:sms": False}

    chosen = await site.choose(path, "marketing:email", "news:sms")
    assert site.forms(chosen) == {"marketing:email": True, "news:email": False, "news:sms": True}
    assert site.shop.rows("SELECT purpose, channel, granted, source FROM consents") == [("news", "sms", 1, "statement")]


async def test_what_is_chosen_away_is_taken_back_at_once(site):
    await site.message()
    chosen = await site.choose(opt_out(), "news:sms")

    assert site.forms(chosen)["marketing:email"] is False
    assert site.statuses()[0][0] == "withdrawn"
    assert len(site.events("Unsubscribed")) == 1


async def test_whoever_unsubscribed_may_come_back_and_unsubscribe_again(site):
    await site.shop.engine.ingest([event("", "u", 0, type="identify", traits={"email": "ada@example.org"})])
    path = opt_out(await site.message())
    await site.ask("POST", path, FORM, ONE_CLICK)
    assert site.forms(await site.ask("GET", path))["marketing:email"] is False

    back = await site.choose(path, "marketing:email")
    assert site.forms(back)["marketing:email"] is True
    assert site.shop.rows("SELECT * FROM suppressions") == []

    again = await site.ask("POST", path, FORM, ONE_CLICK)
    assert site.forms(again)["marketing:email"] is False
    assert sorted(site.shop.rows("SELECT kind, subject FROM suppressions")) == [
        ("address", "ada@example.org"),
        ("user", "u"),
    ]


async def test_an_address_that_complained_stays_off_whatever_is_chosen(site):
    await site.shop.engine.ingest([event("Email Marked as Spam", "u", 0)])
    chosen = await site.choose(opt_out(), "marketing:email")

    assert site.forms(chosen)["marketing:email"] is False
    assert site.shop.rows("SELECT reason FROM suppressions") == [("complained",)]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/u/x", "/u/" + "A" * 60, "/u/%00", "/u/" + TOKENS.opened("m"), opt_out()[:-2]])
async def test_a_link_that_is_not_ours_says_so_on_a_page(site, method, path):
    answer = await site.ask(method, path, FORM if method == "POST" else b"")

    assert (answer.status, b"This link does not work" in answer.body) == (404, True)


async def test_an_opened_message_is_an_event_with_its_decision(site):
    message_id = await site.message()
    [(decision,)] = site.shop.rows("SELECT trigger_decision_id FROM outbox")

    for _ in range(2):
        answer = await site.ask("GET", f"/o/{TOKENS.opened(message_id)}.gif")

    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/gif", GIF)
    assert answer.headers["cache-control"] == "no-store"
    assert site.events("Email Opened") == [(message_id, decision, 0)]


async def test_a_click_leads_on_and_is_an_event_with_its_decision(site):
    message_id = await site.message()
    site.deliver(message_id)
    [(decision,)] = site.shop.rows("SELECT trigger_decision_id FROM outbox")

    answer = await site.ask("GET", f"/c/{TOKENS.clicked(message_id, SHOP_PAGE)}")

    assert (answer.status, answer.headers["location"]) == (302, "https://shop.example/cart?a=1&b=%C3%A4")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert site.events("Email Link Clicked") == [(message_id, decision, 0)]
    assert site.shop.rows("SELECT payload ->> '$.properties.url' FROM events WHERE kind = 30") == [(SHOP_PAGE,)]


@pytest.mark.parametrize(
    ("headers", "ago_us"),
    [
        ({}, 10 * TOO_FAST_US),
        ({"user-agent": "Mozilla/5.0"}, 10 * TOO_FAST_US),
        ({"user-agent": "Barracuda Sentinel (EE)"}, 10 * TOO_FAST_US),
        ({"user-agent": "curl/8.5.0 (bot)"}, 10 * TOO_FAST_US),
        ({**BROWSER, "sec-purpose": "prefetch;prerender"}, 10 * TOO_FAST_US),
        ({**BROWSER, "purpose": "prefetch"}, 10 * TOO_FAST_US),
        (BROWSER, TOO_FAST_US // 2),
    ],
    ids=["no agent", "Apple", "scanner", "robot", "prerender", "prefetch", "too soon"],
)
async def test_what_a_machine_follows_is_kept_and_marked(site, headers, ago_us):
    message_id = await site.message()
    site.deliver(message_id, ago_us)

    answer = await site.ask("GET", f"/c/{TOKENS.clicked(message_id, SHOP_PAGE)}", headers=headers)

    assert answer.status == 302
    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1]


@pytest.mark.parametrize(("later_s", "machine"), [(60, 0), (9, 1)])
async def test_in_a_replay_a_click_is_too_soon_on_the_clock_of_the_events(site, later_s, machine):
    site.edge = edge_of(site.shop, tokens=TOKENS, replay=True)
    message_id = await site.message()
    site.deliver(message_id)
    await site.shop.until(later_s)

    await site.ask("GET", f"/c/{TOKENS.clicked(message_id, SHOP_PAGE)}")

    assert [found for *_, found in site.events("Email Link Clicked")] == [machine]


@pytest.mark.parametrize(("later_s", "machine"), [(60, None), (9, 1)])
async def test_in_a_replay_a_report_of_a_click_is_too_soon_on_the_clock_of_the_events(site, later_s, machine):
    site.edge = edge_of(site.shop, hooks={"sendgrid": SendGrid(sendgrid_public_key())}, replay=True)
    message_id = await site.message()
    site.deliver(message_id)
    clicked = sendgrid_event("click", at=START // 1_000_000 + later_s, message_id=message_id, decision_id=None)
    body = json.dumps([clicked]).encode()

    await site.ask("POST", "/v1/hooks/sendgrid", body, sendgrid_headers(body))

    assert [found for *_, found in site.events("Email Link Clicked")] == [machine]


async def test_a_head_is_no_click_and_no_opening(site):
    message_id = await site.message()
    site.deliver(message_id)

    click = await site.ask("HEAD", f"/c/{TOKENS.clicked(message_id, SHOP_PAGE)}")
    opening = await site.ask("HEAD", f"/o/{TOKENS.opened(message_id)}.gif")

    assert (click.status, opening.status) == (302, 200)
    assert site.events("Email Link Clicked") == site.events("Email Opened") == []


@pytest.mark.parametrize(
    "path",
    [
        "/c/https://evil.example",
        "/c/" + "A" * 40,
        "/c/" + TOKENS.opened("m"),
        "/c/" + TOKENS.clicked("m", "javascript:alert(1)"),
        "/c/" + Tokens("of somebody else").clicked("m", "https://evil.example"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nobody_is_led_where_no_message_said(site, method, path):
    answer = await site.ask(method, path)

    assert answer.status == 404
    assert "location" not in answer.headers


async def test_of_a_message_that_was_erased_nothing_is_noted_but_its_links_lead_on(site):
    await site.shop.engine.ingest([event("Product Added", "other", 0)])
    click = await site.ask("GET", f"/c/{TOKENS.clicked('msg_gone', SHOP_PAGE)}")
    opening = await site.ask("GET", f"/o/{TOKENS.opened('msg_gone')}.gif")

    assert (click.status, opening.status) == (302, 200)
    assert site.shop.rows("SELECT count(*) FROM events") == [(1,)]


async def test_what_links_answer_is_what_is_declared(site):
    declared = (await site.ask("GET", "/openapi.json")).json["paths"]
    message_id = await site.message()
    links = {
        "/u/{token}": opt_out(message_id),
        "/o/{token}.gif": f"/o/{TOKENS.opened(message_id)}.gif",
        "/c/{token}": f"/c/{TOKENS.clicked(message_id, SHOP_PAGE)}",
    }
    for path, link in links.items():
        for asked in (link, path.replace("{token}", "none")):
            replied = await site.ask("GET", asked)
            answer = declared[path]["get"]["responses"][str(replied.status)]
            kind = replied.headers.get("content-type")
            assert set(answer.get("content", ())) == ({kind.partition(";")[0]} if kind else set())

    assert set(declared["/u/{token}"]["post"]["responses"]) == {"200", "404", "4XX", "5XX"}
    assert "200" not in declared["/c/{token}"]["get"]["responses"]
