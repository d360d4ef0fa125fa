"""A real server in a process of its own, a mail server and a receiver of webhooks, for all clients."""

import os
import secrets
from base64 import b64encode
from pathlib import Path

import pytest

from demo.process import free_port, serving
from demo.receiver import Receiver
from serving.keys import INGEST, SCOPES, create_key
from tests.clients.shop import POLICY, Shop, clients
from tests.contract.running import opened
from tests.serving.mail_servers import in_a_thread

if "CLIENTS" not in os.environ:
    collect_ignore_glob = ["test_*.py"]

CHANNELS = """
endpoints:
  mail: {{type: smtp, host: 127.0.0.1, port: {port}, tls: none, from: "Shop <news@shop.example>"}}
channels: {{email: mail}}
"""


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """The server with its keys, and what it sends to."""
    home = tmp_path_factory.mktemp("home")
    (home / "triggers.yaml").write_text(POLICY)
    secret, port = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}", free_port()
    with in_a_thread() as inbox, Receiver(secret) as receiver:
        (home / "channels.yaml").write_text(CHANNELS.format(port=inbox.port))
        with opened(home) as database, database.begin() as connection:
            scopes = {"pages": frozenset({INGEST}), "admin": SCOPES}
            keys = {name: create_key(connection, name, those, created_at=1) for name, those in scopes.items()}
        settings = {
            "triggers": str(home / "triggers.yaml"),
            "channels": str(home / "channels.yaml"),
            "public_url": f"http://127.0.0.1:{port}",
            "webhook_url": receiver.url,
            "webhook_secret": secret,
            "watch_registry": "false",
        }
        with serving(home, settings, port=port) as client:
            yield Shop(home, client, keys, inbox, receiver)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium; each test that wants another visitor clears what it remembers."""
    from tests.clients.browser import a_browser

    with a_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="session")
def older():
    """The Python that has the older SDKs."""
    return clients() / "older" / "bin" / "python"


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder with the SDK for Node."""
    return clients() / "node"
