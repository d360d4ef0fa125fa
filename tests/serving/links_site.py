"""A shop's engine behind the links of its messages, and what people and machines do with them."""

from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from serving import engine
from serving.clock import wall
from serving.scanners import TOO_FAST_US
from serving.tokens import Tokens
from tests.serving.asking import edge_of, reply
from tests.serving.engines import event, shops

__all__ = ["shops"]
POLICY = """
format: 1
triggers:
  - name: cart
    on: Product Added
    horizon: 24h
    threshold: 1%
    cool_down: 1s
    channel: email
    guards: {consent: legitimate_interest}
    hold_out: {share: 0.001, salt: test}
    mode: live
  - name: news
    on: Product Viewed
    horizon: 24h
    threshold: 1%
    cool_down: 1s
    channel: {prefer: [sms, email]}
    guards: {purpose: news}
    mode: dry_run
"""
TOKENS = Tokens("a secret")
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
ONE_CLICK = {"content-type": "application/x-www-form-urlencoded"}
FORM = b"List-Unsubscribe=One-Click"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
SHOP_PAGE = "https://shop.example/cart?a=1&b=ä"


class Site:
    """The HTTP interface on a shop's engine."""

    def __init__(self, shop):
        self.shop = shop
        self.edge = edge_of(shop, tokens=TOKENS)

    async def ask(self, method, path, body=b"", headers=BROWSER):
        return await reply(self.edge, method, path, headers, [body])

    async def choose(self, path, *on):
        return await self.ask("POST", path, urlencode([("preferences", 1), *(("on", each) for each in on)]).encode())

    async def add_to_cart(self, at=0.0):
        await self.shop.engine.ingest([event("Product Added", "u", at, properties={"product_id": "p"})])

    async def message(self, at=0.0):
        """Let the trigger send something, and return the message's id."""
        await self.add_to_cart(at)
        return self.shop.rows("SELECT message_id FROM outbox ORDER BY created_at DESC, rowid DESC")[0][0]

    def deliver(self, message_id, ago_us=10 * TOO_FAST_US):
        with self.shop.database.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE outbox SET status = 'delivered', delivered_at = ? WHERE message_id = ?",
                (wall() - ago_us, message_id),
            )

    def statuses(self):
        return self.shop.rows("SELECT status, last_error FROM outbox ORDER BY rowid")

    def events(self, name):
        """Return the message id, decision and machine of each event of a name."""
        return self.shop.rows(
            "SELECT payload ->> '$.properties.message_id', payload ->> '$.properties.decision_id',"
            " payload ->> '$.properties.machine' FROM events WHERE name = ? ORDER BY seq",
            name,
        )

    def forms(self, page):
        return Boxes.of(page.body.decode())


class Boxes(HTMLParser):
    """Reads which boxes of a page are ticked."""

    @classmethod
    def of(cls, text):
        boxes = cls()
        boxes.found = {}
        boxes.feed(text)
        return boxes.found

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "input" and named.get("type") == "checkbox":
            self.found[named["value"]] = "checked" in named


@pytest.fixture
def site(shops, monkeypatch):
    # A click is answered once it is written.
    monkeypatch.setattr(engine, "UNWRITTEN_FOR_S", 0.02)
    return Site(shops(POLICY))


def opt_out(message_id="m-1", channel="email", user="u"):
    return f"/u/{TOKENS.unsubscribe(user, channel, 'marketing', message_id)}"
