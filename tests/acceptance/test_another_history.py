"""Another shop's clickstream, in words of its own: imported, learned from, served, stopped under load, recomputed."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from types import SimpleNamespace

import aiohttp
import pytest

from examples.clickstream.make_clickstream import clicks, write
from features.state import unpack
from tests.commands import told
from tests.conftest import ROOT
from tests.serving.databases import a_database, rows
from tests.serving.receivers import free_port

VISITORS = 450
MAP = ROOT / "examples" / "clickstream" / "map.yaml"
CLIENTS = 8
ACKNOWLEDGED = 300
READY_WITHIN_S = 120
STOPPED_WITHIN_S = 60
LAST_SEQ = "SELECT user_key, last_seq FROM users WHERE merged_into IS NULL AND last_seq > 0"


class Installation:
    """A fresh OPPORTUNE_HOME, and the commands that `make` runs on it."""

    def __init__(self, home):
        self.home = home
        self.settings = {"EVENTS": MAP, "SCORE_SAMPLE": "1", "WATCH_REGISTRY": "false"}

    def run(self, module, *arguments):
        """Give a command, and return what it printed."""
        done = told(self.home, module, *arguments, **self.settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self):
        """Start the server, and return its process and port."""
        port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPPORTUNE_")}
        own = {**self.settings, "HOME": self.home, "PORT": port}
        environment = kept | {f"OPPORTUNE_{name}": str(value) for name, value in own.items()}
        with (self.home / "serve.log").open("wb") as log:
            command = [sys.executable, "-m", "serving"]
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log), port


async def ready(session, server):
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            async with session.get("/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    raise AssertionError("the server is not ready")


def hit(number, cookie):
    """Something put in the bag now, as this shop says it."""
    bag = {"article": "A0007", "shelf": "pots", "unit_cost": "19.90", "pieces": 2}
    return {"hit": f"live-{number}", "cookie": cookie, "verb": "put_in_bag", **bag}


async def client(session, number, cookies, acknowledged):
    """Send events and ask about others until the server is gone; remember what was acknowledged."""
    for turn, cookie in enumerate(cookies):
        event = hit(f"{number}-{turn}", cookie)
        try:
            async with session.post("/v1/score", json={"event": event}) as answer:
                await answer.read()
                if answer.status == 200:
                    acknowledged.append(event["hit"])
            async with session.post("/v1/score", json={"anonymous_id": cookie}) as answer:
                await answer.read()
        except aiohttp.ClientError:
            return


async def serve_and_stop(installation, cookies):
    """Ask for one score; then stop the server in the middle of a load, as an orchestrator does."""
    server, port = installation.start()
    told = SimpleNamespace(acknowledged=[])
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            await ready(session, server)
            async with session.post("/v1/score", json={"event": hit("first", cookies[0]), "explain": True}) as answer:
                told.score = await answer.json()
            load = [
                asyncio.create_task(client(session, number, cookies[number::CLIENTS] * 50, told.acknowledged))
                for number in range(CLIENTS)
            ]
            while len(told.acknowledged) < ACKNOWLEDGED and server.poll() is None:
                await asyncio.sleep(0.005)
            # Somebody who never ends their request keeps nobody from stopping.
            _, unfinished = await asyncio.open_connection("127.0.0.1", port)
            unfinished.write(b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
            await asyncio.sleep(0.1)
            server.send_signal(signal.SIGTERM)
            told.code = await asyncio.to_thread(server.wait, STOPPED_WITHIN_S)
            await asyncio.gather(*load)
            unfinished.close()
    finally:
        server.kill()
        server.wait()
    return told


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Everything from the file to the comparison; answers what was told on the way."""
    installation = Installation(tmp_path_factory.mktemp("elsewhere"))
    found = clicks(visitors=VISITORS, days=75, seed=7)
    write(found, installation.home / "clicks.csv")
    imported = installation.run("serving.history", installation.home / "clicks.csv", "--map", MAP)
    trained = installation.run("training.retrain", "--horizons", "24h")
    installation.run("serving.registry", "--once")
    told = asyncio.run(serve_and_stop(installation, sorted({row["cookie"] for row in found})))
    told.home, told.rows, told.imported, told.trained = installation.home, len(found), imported, trained
    told.parity = installation.run("training.parity")
    return told


def test_every_click_is_imported(story):
    assert f"{story.rows:,} events imported from {story.rows:,} rows" in story.imported
    assert "'asked_the_parrot', which nobody knows" in story.imported


def test_a_model_is_learned_that_is_better_than_its_baselines(story):
    summary = json.loads((story.home / "retrain" / "summary.json").read_text())

    assert "PROMOTED" in story.trained
    assert summary["promoted"]
    assert summary["roc_auc"] > summary["baselines"]["logistic"]["roc_auc"] > 0.5


def test_the_score_of_an_anonymous_visitors_event_comes_from_that_model(story):
    models, intent = story.score["models"], story.score["intent"]

    assert models["24h"] == {"name": "opportune-intent-24h", "version": "1", "calibrated": True}
    assert models["7d"]["name"] == "rule-recency-frequency"
    assert 0 < intent["24h"] < 1
    assert story.score["user_id"] is None
    assert {each["feature"]: each["value"] for each in story.score["explain"]["24h"]}.get("cart_items", 2) >= 2


def test_a_server_told_to_stop_under_load_has_written_down_all_that_it_acknowledged(story):
    from serving.online import OnlineStates

    with a_database(story.home) as database:
        logged = {message_id for (message_id,) in rows(database, "SELECT message_id FROM events")}
        live = rows(database, "SELECT DISTINCT user_key FROM events JOIN users USING (user_no) WHERE origin = 'live'")
        last_seq = dict(rows(database, LAST_SEQ))
    keys = [key for (key,) in live]
    with closing(OnlineStates(story.home)) as states:
        positions = [unpack(packed)[1] for packed in states.read(keys)]

    # uvicorn ends by the signal that it was told to stop with.
    assert story.code in (0, -signal.SIGTERM)
    assert len(story.acknowledged) >= ACKNOWLEDGED
    assert set(story.acknowledged) <= logged
    assert positions == [last_seq[key] for key in keys]


def test_what_was_served_is_what_the_log_says(story):
    compared = re.match(r"([\d,]+) served feature vectors recomputed from the log: 0 differ", story.parity)

    assert compared, story.parity
    assert int(compared[1].replace(",", "")) > 2 * ACKNOWLEDGED
