"""SDKs as their makers ship them: every call arrives, once, and a wrong key is told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.shop import wait_until

HERE = Path(__file__).parent
WITHIN_S = 60
NAMES = ["Identified", "Page Viewed", "Product Added", *["Product Viewed"] * 250, "Order Completed"]


@pytest.fixture
def send(older, node, shop):
    """Return what sends through an SDK for a user, and gives back its version and complaints."""
    commands = {
        "segment-analytics-python 2.4.0": [sys.executable, HERE / "sending.py", "segment"],
        "segment-analytics-python 2.3.4": [older, HERE / "sending.py", "segment"],
        "rudder-sdk-python 2.1.9": [older, HERE / "sending.py", "rudder"],
        "@segment/analytics-node 3.1.0": ["node", HERE / "sending.mjs"],
    }

    def through(name, user, key):
        folder = node if "node" in name else HERE
        done = subprocess.run(
            [*commands[name], shop.url, key, user],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return through


SDKS = [
    "segment-analytics-python 2.4.0",
    "segment-analytics-python 2.3.4",
    "rudder-sdk-python 2.1.9",
    "@segment/analytics-node 3.1.0",
]


@pytest.mark.parametrize("sdk", SDKS)
def test_every_call_arrives_once_and_in_order(send, shop, sdk):
    user = sdk.replace("/", "-").replace(" ", "-")

    told = send(sdk, user, shop.keys["pages"])

    assert told == {"version": sdk.split()[-1], "complaints": []}
    found = shop.events(user)
    assert [name for name, _ in found] == NAMES
    added = dict(found)["Product Added"]["properties"]
    assert added == {"product_id": "p-1", "name": "Ä lamp", "price": 19.9, "quantity": 2}
    assert [payload["properties"]["product_id"] for name, payload in found if name == "Product Viewed"] == [
        f"p-{number}" for number in range(250)
    ]
    profile = shop.client.get(f"/v1/users/{user}/profile", auth=(shop.keys["admin"], "")).json()["profile"]
    assert profile["plan"] == "gold"


@pytest.mark.parametrize("sdk", SDKS)
def test_the_order_of_an_sdk_leads_to_a_webhook_that_standardwebhooks_believes(send, shop, sdk):
    user = f"order-{sdk.replace('/', '-').replace(' ', '-')}"

    send(sdk, user, shop.keys["pages"])

    bodies = wait_until(
        lambda: [each.body for each in shop.receiver.receipts if f"order-of-{user}".encode() in each.body]
    )
    [message] = [json.loads(each) for each in bodies]
    assert (message["type"], message["data"]["user_id"]) == ("trigger.fired", user)
    assert shop.receiver.forged == 0


@pytest.mark.parametrize("sdk", SDKS)
def test_a_key_that_nobody_made_is_told_to_who_uses_it(send, shop, sdk):
    user = f"stranger-{sdk.replace('/', '-').replace(' ', '-')}"

    told = send(sdk, user, "opk_nobody-made-this")

    assert told["complaints"]
    assert shop.events(user) == []
