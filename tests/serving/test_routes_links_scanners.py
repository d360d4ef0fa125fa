"""Scanners on the links of messages, over HTTP on the real engine: all at once, slowly, and by what providers tell."""

import asyncio
import json
import re

import pytest

from serving.bursts import BURST_S
from serving.hook_sendgrid import SendGrid
from serving.links import tracked, unsubscribe_url
from tests.serving.asking import edge_of
from tests.serving.engines import START
from tests.serving.links_site import SHOP_PAGE, TOKENS, opt_out, shops, site
from tests.serving.webhooks import sendgrid_event, sendgrid_headers, sendgrid_public_key

__all__ = ["shops", "site"]


async def test_a_scanner_that_opens_every_link_unsubscribes_nobody_and_clicks_nothing_that_counts(site):
    message_id = await site.message()
    site.deliver(message_id)
    base = "http://links.example"
    token = opt_out(message_id).removeprefix("/u/")
    html = tracked(
        f'<p><a href="{SHOP_PAGE}">Cart</a> <a href="https://shop.example/help">Help</a>'
        f' <a href="{unsubscribe_url(base, token)}">Unsubscribe</a></p>',
        TOKENS,
        message_id,
        base=base,
    )
    found = re.findall(rf'(?:href|src)="{base}(/[^"]*)"', html)
    assert [each[:3] for each in found] == ["/c/", "/c/", "/c/", "/u/", "/c/", "/o/"]

    # One that takes its time, and calls itself a browser.
    answers = await asyncio.gather(*(site.ask("GET", each) for each in found))

    assert [each.status for each in answers] == [204, 302, 302, 200, 204, 200]
    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1, 1, 1, 1]
    assert site.shop.rows("SELECT * FROM suppressions") == []
    assert site.events("Unsubscribed") == []

    # Then the person.
    await asyncio.sleep(BURST_S / 10)
    await site.ask("GET", found[1])
    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1, 1, 1, 1, 0]


async def test_a_link_that_nobody_sees_tells_of_a_scanner_and_leads_nowhere(site):
    message_id = await site.message()
    site.deliver(message_id)
    path = f"/c/{TOKENS.trapped(message_id, 'first')}"

    asked = [await site.ask(method, path) for method in ("HEAD", "GET")]

    assert [(each.status, each.body) for each in asked] == [(204, b""), (204, b"")]
    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1]
    assert (await site.ask("GET", f"/c/{TOKENS.trapped('msg_gone', 'first')}")).status == 204


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_scanner_that_takes_half_a_minute_for_each_link_clicks_and_opens_nothing_that_counts(site, backwards):
    message_id = await site.message()
    site.deliver(message_id)
    pages = [f"https://shop.example/{number}" for number in range(3)]
    html = tracked("".join(f'<a href="{each}">x</a>' for each in pages), TOKENS, message_id, base="http://l.example")
    found = re.findall(r'(?:href|src)="http://l.example(/[^"]*)"', html)

    for number, path in enumerate(reversed(found[:-1]) if backwards else found[:-1], 1):
        await site.shop.until(30 * number)
        await site.ask("GET", path)
    await site.shop.until(200)
    await site.ask("GET", found[-1])

    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1] * 5
    assert [machine for *_, machine in site.events("Email Opened")] == [1]
    # Then the person, whom the scanner was quicker than.
    await site.shop.until(300)
    await site.ask("GET", found[-1])
    await site.ask("GET", found[2])
    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1] * 5 + [0]
    assert [machine for *_, machine in site.events("Email Opened")] == [1, 0]
    assert site.shop.rows("SELECT * FROM suppressions") == []


async def test_what_a_provider_tells_of_a_scanner_that_takes_its_time_counts_for_nothing(site):
    hooks = {"sendgrid": SendGrid(sendgrid_public_key())}
    site.edge = edge_of(site.shop, hooks=hooks, tokens=TOKENS, replay=True)
    message_id = await site.message()
    site.deliver(message_id)

    async def told(after_s, url):
        about = {"message_id": message_id, "decision_id": None, "url": url}
        body = json.dumps([sendgrid_event("click", after_s, at=START // 1_000_000 + after_s, **about)]).encode()
        await site.ask("POST", "/v1/hooks/sendgrid", body, sendgrid_headers(body))

    # It meets the hidden link first; each click is told in a request of its own.
    await site.shop.until(30)
    await site.ask("GET", f"/c/{TOKENS.trapped(message_id, 'first')}")
    for number in range(4):
        await told(60 + 45 * number, f"https://shop.example/{number}")
    await told(300, "https://shop.example/2")

    assert [machine for *_, machine in site.events("Email Link Clicked")] == [1, 1, 1, 1, 1, None]
    assert site.shop.rows("SELECT kind FROM outcomes") == [("clicked",)]
