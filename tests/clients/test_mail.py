"""A real mail on a real mail server: what a scanner that takes its time follows counts for nothing, one POST does."""

import re
import time

import httpx

from tests.clients.shop import wait_until

AGENT = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"}
LONGER_THAN_TOO_SOON_S = 10.5
LONGER_THAN_AT_ONCE_S = 2.2


def clicks(shop, user):
    return [payload["properties"]["machine"] for name, payload in shop.events(user) if name == "Email Link Clicked"]


def opens(shop, user):
    return [payload["properties"]["machine"] for name, payload in shop.events(user) if name == "Email Opened"]


def test_a_scanner_that_opens_every_link_slowly_counts_for_nothing_and_one_post_unsubscribes(shop):
    user = "scanned"
    mail, _ = shop.mail_to(user)
    one_click = str(mail["List-Unsubscribe"]).strip("<>")
    found = re.findall(r'(?:href|src)="([^"]+)"', mail.get_body(("html",)).get_content())
    assert [each.removeprefix(shop.url)[:3] for each in found] == ["/c/"] * 4 + ["/u/", "/c/", "/o/"]

    # Under a browser's name, later than anybody could be called too quick, and never two at once.
    time.sleep(LONGER_THAN_TOO_SOON_S)
    for url in [*found, one_click]:
        assert httpx.get(url, headers=AGENT, follow_redirects=False).status_code in (200, 204, 302)
        time.sleep(LONGER_THAN_AT_ONCE_S)

    wait_until(lambda: len(clicks(shop, user)) == 5)
    assert clicks(shop, user) == [True] * 5
    assert opens(shop, user) == [True]
    assert shop.rows("SELECT kind FROM outcomes o JOIN decisions USING (trigger_decision_id) JOIN users USING (user_no)"
                     " WHERE user_key = ?", user) == []  # fmt: skip
    assert shop.rows("SELECT * FROM suppressions WHERE subject IN (?, ?)", user, f"{user}@example.com") == []

    # Then the person clicks, and wants no more.
    httpx.get(found[1], headers=AGENT, follow_redirects=False)
    wait_until(lambda: len(clicks(shop, user)) == 6)
    assert clicks(shop, user)[-1] is False
    answer = httpx.post(one_click, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert shop.rows("SELECT reason FROM suppressions WHERE subject = ?", user) == [("unsubscribed",)]
    before = len(shop.inbox.mails)
    shop.call("track", userId=user, event="Product Added", properties={"product_id": "p-2"})
    time.sleep(1.0)
    assert len(shop.inbox.mails) == before


def test_a_mail_is_what_mail_programs_expect(shop):
    mail, raw = shop.mail_to("reader")

    assert mail["Subject"] == "A lamp is waiting"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert mail["To"] == "reader@example.com"
