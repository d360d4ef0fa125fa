"""From a log to an inbox: what was learned is recommended, everybody has a code, and a retry says the same."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.processes import serving
from tests.commands import told
from tests.serving.asking import reply
from tests.serving.databases import a_database, rows
from tests.serving.receivers import receiving
from tests.serving.servers import a_server
from tests.serving.test_courier_http import a_provider
from tests.training.shelves import pairs_of_a_shop

BEGAN = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOW = BEGAN + timedelta(days=100)
LISTED = "{% for each in recommendations[:2] %}{{ each.name }} {{ each.price | money(each.currency) }}, {% endfor %}"
POLICY = f"""
triggers:
- name: look
  on: Product Viewed
  threshold: 0
  cool_down: 30d
  hold_out: 0
  mode: live
  channel: sms
  guards: {{consent: none}}
  codes: {{pool: spring}}
  content: {{sms: "{LISTED}code {{{{ code }}}}"}}
  steps: [{{after: 24h, content: {{sms: "Still {{{{ code }}}}"}}}}]
"""
CHANNELS = """
endpoints:
  texts: {{type: http, url: {url}, body: {{to: "{{{{ to }}}}", text: "{{{{ sms }}}}"}}}}
channels: {{sms: texts}}
"""


def run(home, *arguments):
    """Give a command of the project on a home; return what it printed."""
    done = told(home, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def history():
    """Yield the events of a shop whose products come in pairs: look1 goes with take1."""
    shelves = pairs_of_a_shop()
    columns = (shelves.person, shelves.day, shelves.product, shelves.bought)
    for n, (who, day, product, bought) in enumerate(zip(*(each.tolist() for each in columns), strict=True)):
        yield {
            "userId": f"u{who}",
            "event": "Order Completed" if bought else "Product Viewed",
            "timestamp": (BEGAN + timedelta(days=day)).isoformat(),
            "messageId": f"h{n}",
            "properties": {"product_id": shelves.products[product], "price": 5, "revenue": 5, "order_id": f"o{n}"},
        }


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home that has learned, and knows products and codes."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "history.jsonl").write_text("".join(json.dumps(each) + "\n" for each in history()))
    names = [f"{kind}{n}" for kind in ("look", "take") for n in range(20)]
    (folder / "products.csv").write_text(
        "product_id,name,price,currency,stock\n" + "".join(f"{each},{each.title()},5,EUR,\n" for each in names)
    )
    (folder / "codes.csv").write_text("code\nC-1\nC-2\nC-3\n")
    run(folder, "serving.history", str(folder / "history.jsonl"))
    run(folder, "serving.product_files", str(folder / "products.csv"))
    run(folder, "serving.code_files", str(folder / "codes.csv"), "--pool", "spring")
    said = run(folder, "training.retrain", "--horizons", "24h")
    assert "opportune-recommendations/1 IN SERVICE: recommends what goes together, then what is popular" in said
    run(folder, "serving.registry", "--once")
    (folder / "triggers.yaml").write_text(POLICY)
    return folder


def test_what_was_learned_was_judged_and_is_told(home):
    found = json.loads((home / "retrain" / "summary.json").read_text())["recommendations"]

    assert found["neighbours"] is True
    assert found["hit_rate"] == 1.0
    assert found["popular_hit_rate"] <= 0.5
    assert "take1" in (home / "retrain" / "report-recommendations.html").read_text()
    pointed = json.loads((home / "bundles" / "champions.json").read_text())
    assert pointed["recommendations"]["path"] == "opportune-recommendations/1"


async def send(server, *events):
    sent = {"host": "127.0.0.1:8000", "content-type": "application/json"}
    body = json.dumps(
        {"batch": [{"messageId": f"m-{json.dumps(each, sort_keys=True)}"[:100], **each} for each in events]}
    )
    answer = await reply(server.edge(), "POST", "/v1/batch", sent, [body.encode()])
    assert answer.status == 200


def viewed(user, product, at):
    properties = {"product_id": product}
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": user,
        "timestamp": at.isoformat(),
        "properties": properties,
    }


async def asked(provider, count):
    """Wait until a provider was asked so many times; return to whom it was to send what."""
    async with asyncio.timeout(30):
        while len(provider.asked) < count:
            await asyncio.sleep(0.02)
    return [(body["to"], body["text"]) for body, _ in provider.asked]


async def test_a_message_recommends_what_goes_together_and_its_retry_and_reminder_keep_the_code(home):
    async with a_provider(status=503) as texts:
        (home / "channels.yaml").write_text(CHANNELS.format(url=texts.url))
        server = a_server(home, channels=home / "channels.yaml", replay=True)
        async with server.life(None):
            known = {"type": "identify", "userId": "ada", "timestamp": NOW.isoformat(), "traits": {"phone": "+491"}}
            await send(server, known, viewed("ada", "look7", NOW + timedelta(minutes=1)))
            first = await asked(texts, 1)
            texts.status = 200
            # What comes after the pause of five seconds.
            again = await asked(texts, 2)
            await send(server, viewed("eve", "look1", NOW + timedelta(hours=25)))
            reminded = await asked(texts, 3)
        with a_database(home) as database:
            standing = rows(database, "SELECT code, trigger FROM code_holders ORDER BY code")

    assert first[0][0] == "+491"
    assert first[0][1].startswith("Take7 5.00 EUR, ")
    assert first[0][1].endswith("code C-1")
    assert again == [first[0], first[0]]
    assert reminded[2] == ("+491", "Still C-1")
    # Whoever has no number is given a code all the same: who can be reached shows at the first attempt.
    assert standing == [("C-1", "look"), ("C-2", "look")]


async def test_a_server_killed_after_the_decision_sends_the_code_that_was_handed_out(tmp_path):
    (tmp_path / "codes.csv").write_text("code\nK-1\nK-2\n")
    run(tmp_path, "serving.code_files", str(tmp_path / "codes.csv"), "--pool", "spring")
    policy = POLICY.replace("channel: sms", "channel: webhook").replace("sms:", "note:")
    async with receiving() as hook:
        async with serving(tmp_path, policy, "http://127.0.0.1:9/nobody", python=sys.executable) as server:
            said = await server.score("ada", "Product Viewed", "m-1", product_id="p")
            assert [each["reason"] for each in said["decisions"]] == ["sent"]
            server.process.kill()
            await server.process.wait()
        async with serving(tmp_path, policy, hook.url) as server:
            async with asyncio.timeout(60):
                while not hook.bodies:
                    await asyncio.sleep(0.05)
            again = await server.score("eve", "Product Viewed", "m-2", product_id="p")
            assert [each["reason"] for each in again["decisions"]] == ["sent"]
            async with asyncio.timeout(30):
                while len(hook.bodies) < 2:
                    await asyncio.sleep(0.05)
            _, pools = await server.ask("GET", "/v1/codes")

    assert [(each["data"]["user_id"], each["data"]["code"]) for each in hook.bodies] == [("ada", "K-1"), ("eve", "K-2")]
    [spring] = pools["pools"]
    assert spring | {"left": 0, "handed_out": 2, "expired": 0} == spring
