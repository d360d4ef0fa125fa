"""What the tests with real clients ask of the server, and read in its log."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from demo.receiver import Receiver
from features.kinds import NAMES, Kind
from tests.contract.running import opened
from tests.serving.mail_servers import MailServer

WITHIN_S = 20
POLICY = """
format: 1
triggers:
  - name: by-mail
    on: Product Added
    threshold: 0%
    cool_down: 1s
    hold_out: 0
    channel: email
    guards: {consent: legitimate_interest}
    mode: live
    content:
      subject: "{{ cart.products[0].name | default('Something') }} is waiting"
      text: "It waits. {{ unsubscribe_url }}"
      html: |
        <p><a href="https://shop.example/cart?a=1&amp;b=2">Cart</a> <a href="https://shop.example/help">Help</a>
        <a href="https://shop.example/news">News</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>
  - name: by-webhook
    on: Order Completed
    threshold: 0%
    cool_down: 1s
    hold_out: 0
    guards: {consent: none}
    mode: live
  - name: news
    on: Signed Up
    threshold: 0%
    cool_down: 1s
    channel: sms
    guards: {purpose: news}
    mode: dry_run
"""


def clients() -> Path:
    """Return where `make test-clients` installed what they need."""
    return Path(os.environ["CLIENTS"])


def wait_until(it_is_so: Any) -> Any:
    """Return what is true in the end (AssertionError: it never was)."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := it_is_so()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


@dataclass
class Shop:
    """The server: its home, a client without a key, the keys by name, and what it sends to."""

    home: Path
    client: httpx.Client
    keys: dict[str, str]
    inbox: MailServer
    receiver: Receiver

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with opened(self.home) as database, database.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query, values)]

    def events(self, user: str) -> list[tuple[str, dict[str, Any]]]:
        """Return our name and the payload of each event of a user, or of `anonymous:…`, in the order of the log."""
        query = (
            "SELECT e.kind, e.name, payload FROM events e JOIN users u USING (user_no) WHERE user_key = ? ORDER BY seq"
        )
        found = self.rows(query, user)
        named = ((name if kind == Kind.OTHER else NAMES[Kind(kind)], payload) for kind, name, payload in found)
        return [(name, json.loads(payload)) for name, payload in named]

    def call(self, kind: str, **fields: Any) -> None:
        """Send one call of Segment's, as the shop's own back end would."""
        self.client.post(f"/v1/{kind}", json=fields, auth=(self.keys["admin"], "")).raise_for_status()

    def mail_to(self, user: str, **traits: Any) -> tuple[Any, bytes]:
        """Let a user put something into the cart, and return the mail that comes of it, read and as it came."""
        to = f"{user}@example.com"
        self.call("identify", userId=user, traits={"email": to, **traits})
        self.call("track", userId=user, event="Product Added", properties={"product_id": "p-1", "name": "A lamp"})
        wait_until(lambda: [to] in self.inbox.recipients)
        number = self.inbox.recipients.index([to])
        return self.inbox.mails[number], self.inbox.raw[number]
