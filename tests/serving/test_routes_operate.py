"""Sending, erasure and export over HTTP, on the real application under load."""

import asyncio
import json
import threading
import time
from pathlib import Path

import aiohttp
import pytest

from tests.contract.running import a_key, opened, running
from tests.serving.databases import rows

WITHIN_S = 1.0
TRIGGERS = """
format: 1
triggers:
  - name: warm-cart
    on: Product Added
    horizon: 24h
    threshold: 0%
    cool_down: 1d
    mode: live
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "triggers.yaml").write_text(TRIGGERS)
    key = a_key(home)
    # Nobody listens there: messages stay pending.
    webhook = {"webhook_url": "http://127.0.0.1:9/", "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    with running(home, triggers=home / "triggers.yaml", **webhook) as up:
        up.keys["all"] = key
        yield up


def ask(server, method, path, body=b""):
    return server.ask(method, path, body, key=server.keys["all"])


def add_to_cart(server, user, message, **more):
    event = {"type": "track", "event": "Product Added", "messageId": message, "properties": {"product_id": "p"}}
    return ask(server, "POST", "/v1/score", {**more, "user_id": user, "event": event})


def test_the_switch_is_thrown_and_told(server):
    thrown = ask(server, "PUT", "/v1/sending", {"paused": True})
    told = ask(server, "GET", "/v1/sending")
    counted = ask(server, "GET", "/metrics").body

    assert (thrown.status, thrown.json()) == (200, told.json())
    assert told.json()["paused"] is True
    assert told.json()["since"].endswith("Z")
    assert b"opportune_sending_paused 1.0" in counted
    assert ask(server, "PUT", "/v1/sending", {"paused": False}).json()["since"] is None
    assert b"opportune_sending_paused 0.0" in ask(server, "GET", "/metrics").body


@pytest.mark.parametrize(
    "body", [{}, {"paused": "yes"}, {"paused": None}, {"paused": True, "why": "x"}, {"paus": True}]
)
def test_a_switch_that_is_not_said_clearly_is_not_thrown(server, body):
    answer = ask(server, "PUT", "/v1/sending", body)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert ask(server, "GET", "/v1/sending").json()["paused"] is False


def test_decisions_go_on_while_nothing_is_sent(server):
    ask(server, "PUT", "/v1/sending", {"paused": True})
    decided = add_to_cart(server, "patient", "patient-1").json()["decisions"]
    time.sleep(WITHIN_S)
    tried = rows_of(server, "SELECT attempts FROM outbox JOIN decisions USING (trigger_decision_id) ORDER BY at DESC")
    ask(server, "PUT", "/v1/sending", {"paused": False})

    assert [each["action"] for each in decided] == ["send"]
    assert tried[0] == (0,)


def rows_of(server, query):
    with opened(server.home) as database:
        return rows(database, query)


@pytest.mark.parametrize(
    "user", ["who-1", "who/with/slashes", "anonymous:a-1", "jürgen@example.org", "x/features", "two\nlines"]
)
def test_a_person_is_exported_then_erased_then_unknown(server, user):
    path = f"/v1/users/{quoted(user)}"
    ids = {"anonymous_id": user[10:]} if user.startswith("anonymous:") else {"user_id": user}
    assert (
        ask(server, "POST", "/v1/score", {**ids, "event": {"type": "track", "event": "Product Viewed"}}).status == 200
    )

    export = ask(server, "GET", f"{path}/export")
    erased = ask(server, "DELETE", path)

    assert export.status == 200, export.body
    assert (export.json()["user_id"], len(export.json()["tables"]["events"])) == (user, 1)
    assert {"name", "value", "meaning"} == export.json()["features"][0].keys()
    assert (erased.status, erased.json()["rows"]["events"], erased.json()["overwritten"]) == (200, 1, True)
    assert ask(server, "GET", f"{path}/export").json()["code"] == "unknown_user"
    assert ask(server, "DELETE", path).json()["rows"] == {}


def quoted(user):
    from urllib.parse import quote

    return quote(user, safe="/:")


def test_an_id_that_cannot_be_one_is_refused(server):
    for path in ("/v1/users/anonymous:", f"/v1/users/{'x' * 600}"):
        answer = ask(server, "DELETE", path)
        assert (answer.status, answer.json()["field"]) == (400, "user_id"), path


def test_files_beside_the_database_are_cleaned_too(server):
    import pyarrow as pa
    import pyarrow.parquet as pq

    home = Path(server.home)
    for folder in ("feast", "retrain", "import"):
        (home / folder).mkdir(exist_ok=True)
    pq.write_table(pa.table({"user_key": ["other", "filed"]}), home / "feast" / "states.parquet")
    pq.write_table(pa.table({"user_key": ["other"]}), home / "retrain" / "states.parquet")
    (home / "parity.csv").write_text("user,at\nfiled,1\n")
    rejected = home / "import" / "old.csv.rejected.jsonl"
    rejected.write_text('{"row": "filed,x"}\n{"row": "filed-2,x"}\n')
    (home / "import" / "old.csv.999999999.staged").write_bytes(b"filed")
    add_to_cart(server, "filed", "filed-message")

    answer = ask(server, "DELETE", "/v1/users/filed").json()

    expected = ["feast/states.parquet", "import/old.csv.999999999.staged", f"import/{rejected.name}", "parity.csv"]
    assert answer["files"] == expected
    assert rejected.read_text() == '{"row": "filed-2,x"}\n'
    assert (home / "retrain" / "states.parquet").exists()


def test_erasure_and_pause_take_effect_within_a_second_under_load(server):
    for n in range(20):
        add_to_cart(server, "loaded", f"loaded-{n}")
    load = Load(server)
    load.start()
    try:
        began = time.monotonic()
        erased = ask(server, "DELETE", "/v1/users/loaded")
        erased_s = time.monotonic() - began
        known = ask(server, "POST", "/v1/score", {"user_id": "loaded"}).json()["known"]
        began = time.monotonic()
        paused = ask(server, "PUT", "/v1/sending", {"paused": True})
        paused_s = time.monotonic() - began
    finally:
        load.stop()
        ask(server, "PUT", "/v1/sending", {"paused": False})

    assert (erased.status, erased.json()["rows"]["events"], known, paused.status) == (200, 20, False, 200)
    assert max(erased_s, paused_s) < WITHIN_S
    assert load.statuses == {200}
    assert "loaded" not in json.dumps(rows_of(server, "SELECT user_key, unit FROM users"))


class Load:
    """Three hundred questions under way at any time, some with an event, until stopped."""

    CONCURRENT = 300

    def __init__(self, server):
        self._server = server
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._stopping = threading.Event()
        self._warm = threading.Event()
        self.statuses = set()

    def start(self):
        self._thread.start()
        assert self._warm.wait(30)

    def stop(self):
        self._stopping.set()
        self._thread.join()

    async def _run(self):
        headers = {"Authorization": f"Bearer {self._server.keys['all']}"}
        connector = aiohttp.TCPConnector(limit=self.CONCURRENT)
        async with aiohttp.ClientSession(self._server.url, headers=headers, connector=connector) as session:
            await asyncio.gather(*(self._ask(session, n) for n in range(self.CONCURRENT)))

    async def _ask(self, session, n):
        asked = 0
        while not self._stopping.is_set():
            body = {"user_id": f"load-{n}"}
            if n % 4 == 0:
                body["event"] = {"type": "track", "event": "Product Viewed", "messageId": f"load-{n}-{asked}"}
            async with session.post("/v1/score", json=body) as answer:
                self.statuses.add(answer.status)
            asked += 1
            if asked == 3 and n == 0:
                self._warm.set()
