"""The whole way of an e-mail: a server, a mail server on loopback, and whoever follows the links of what arrived."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.contract.running import a_key, opened, running
from tests.serving.mail_servers import in_a_thread

POLICY = """
format: 1
triggers:
  - name: cart
    on: Product Added
    horizon: 24h
    threshold: 0%
    cool_down: 1s
    channel: email
    guards: {consent: legitimate_interest}
    hold_out: {share: 0.001, salt: test}
    mode: live
    content:
      subject: Your cart waits
      text: "It waits. Unsubscribe: {{ unsubscribe_url }}"
      html: |
        <p><a href="https://shop.example/cart?a=1&amp;b=2">Cart</a> <a href="https://shop.example/help">Help</a>
        <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>
"""
CHANNELS = """
endpoints:
  mail: {{type: smtp, host: 127.0.0.1, port: {port}, tls: none, from: "Shop <news@shop.example>"}}
channels: {{email: mail}}
"""
BROWSER = {"User_Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
BASE = "https://links.example/mail"


@pytest.fixture
def inbox():
    """A mail server in a thread of its own, beside that of the server."""
    with in_a_thread() as kept:
        yield kept


def files_of(home, inbox):
    """Write the files of a server that sends to this inbox; return its settings."""
    (home / "triggers.yaml").write_text(POLICY)
    (home / "channels.yaml").write_text(CHANNELS.format(port=inbox.port))
    return {"triggers": home / "triggers.yaml", "channels": home / "channels.yaml"}


def wait_until(it_is_so):
    deadline = time.monotonic() + 20
    while not it_is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ways_in(text):
    """Return the paths of our links in a text."""
    return [urlsplit(found).path.removeprefix("/mail") for found in re.findall(rf"{re.escape(BASE)}/[\w./-]+", text)]


def told(server, name):
    """Return whether a machine did it, of each event of a name."""
    with opened(server.home) as database, database.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT payload ->> '$.properties.machine' FROM events WHERE name = ? ORDER BY seq", (name,)
        )
        return [machine for (machine,) in rows.all()]


def reasons(server, key):
    answer = server.ask("GET", "/v1/decisions?user_id=u-1", key=key).json()
    return [each["reason"] for evaluation in answer["evaluations"] for each in evaluation["decisions"]]


def test_a_server_without_a_public_address_says_that_mails_have_no_link_to_unsubscribe_by(tmp_path, inbox):
    files = files_of(tmp_path, inbox)
    with running(tmp_path, **files) as server:
        [remark] = server.ask("GET", "/readyz").json()["remarks"]
        assert remark.startswith("OPPORTUNE_PUBLIC_URL is not set")
    with running(tmp_path, public_url=BASE, **files) as server:
        assert server.ask("GET", "/readyz").json()["remarks"] == []


def test_a_scanner_that_follows_every_link_unsubscribes_nobody_and_one_post_of_a_mail_client_does(tmp_path, inbox):
    files = files_of(tmp_path, inbox)
    key = a_key(tmp_path, "admin")
    cart = {"userId": "u-1", "event": "Product Added", "properties": {"product_id": "p-1"}}
    with running(tmp_path, public_url=BASE, **files) as server:
        server.ask("POST", "/v1/identify", {"userId": "u-1", "traits": {"email": "ada@example.org"}}, key=key)
        server.ask("POST", "/v1/track", cart, key=key)
        wait_until(lambda: inbox.mails)
        [mail] = inbox.mails
        [one_click] = ways_in(mail["List-Unsubscribe"])
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        links = ways_in(mail.get_body(("html",)).get_content())
        assert [each[:3] for each in links] == ["/c/", "/c/", "/c/", "/u/", "/c/", "/o/"]

        # A gateway's scanner, under a browser's name: all of them at once.
        with ThreadPoolExecutor() as pool:
            seen = list(pool.map(lambda path: server.ask("GET", path, **BROWSER).status, [*links, one_click]))
        assert seen == [204, 302, 302, 200, 204, 200, 200]
        wait_until(lambda: len(told(server, "Email Link Clicked")) >= 4)
        assert told(server, "Email Link Clicked") == [1, 1, 1, 1]
        assert told(server, "Unsubscribed") == []
        server.ask("POST", "/v1/track", cart, key=key)
        assert reasons(server, key).count("sent") >= 1
        assert "suppressed" not in reasons(server, key)

        answer = server.ask("POST", one_click, b"List-Unsubscribe=One-Click")
        assert answer.status == 200
        server.ask("POST", "/v1/track", cart, key=key)
        assert reasons(server, key)[0] == "suppressed"
