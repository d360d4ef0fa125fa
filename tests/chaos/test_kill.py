"""kill -9 in the middle of a load, ten times: nothing acknowledged is lost, nothing is sent under two ids."""

import asyncio
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections import defaultdict
from contextlib import closing

import aiohttp
import msgspec
import pytest
from aiohttp import web

from features.catalog import CATALOGUE
from features.state import unpack
from serving.database import opened_database
from serving.online import OnlineStates
from serving.rebuild import rebuild
from serving.states import StateKeeper
from tests.conftest import ROOT
from tests.serving.engines import Shop, event
from tests.serving.receivers import free_port

pytestmark = pytest.mark.chaos
KILLS = 10
WORKERS = 8
USERS = 25
ATTEMPTS = 2000


class Load:
    """Clients that send each event until it is acknowledged, as an SDK does."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}/v1/score"
        self.acknowledged = set()
        self.stopping = False

    async def run(self):
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._worker(session, random.Random(number)) for number in range(WORKERS)))

    async def _worker(self, session, dice):
        while not self.stopping:
            message_id = secrets.token_hex(8)
            body = {
                "event": {
                    "type": "track",
                    "userId": f"u{dice.randrange(USERS)}",
                    "event": dice.choice(["Product Added", "Product Viewed", "Order Completed"]),
                    "messageId": message_id,
                    "properties": {"product_id": "p", "price": 2, "quantity": 1},
                }
            }
            await self._send(session, body)
            self.acknowledged.add(message_id)

    async def _send(self, session, body):
        for _ in range(ATTEMPTS):
            try:
                async with session.post(self.address, json=body) as answer:
                    if answer.status == 200:
                        await answer.read()
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
        raise AssertionError("the server did not come back")


class Receiver:
    """Takes messages and remembers which id each event's message came under."""

    def __init__(self):
        self.ids = defaultdict(set)

    async def take(self, request):
        data = msgspec.json.decode(await request.read())["data"]
        self.ids[data["event"]["message_id"]].add(request.headers["webhook-id"])
        return web.Response(status=204)

    async def listen(self):
        app = web.Application()
        app.router.add_post("/", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


class Servers:
    """One server after another on the same data."""

    def __init__(self, home, port, url):
        self.line = f"{home} {port} {url} whsec_{b64encode(secrets.token_bytes(32)).decode()}"
        self.port = port
        self.zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.zygote.stdout.readline() == "ready\n"

    async def start(self, saves=0):
        self.zygote.stdin.write(f"{self.line} {saves}\n")
        self.zygote.stdin.flush()
        pid = int(self.zygote.stdout.readline())
        for _ in range(ATTEMPTS):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return pid
        raise AssertionError("the server does not listen")

    @staticmethod
    async def gone(pid):
        for _ in range(ATTEMPTS):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the server does not end")

    def close(self):
        self.zygote.stdin.close()
        self.zygote.wait(30)
        self.zygote.stdout.close()


async def crash_again_and_again(servers, load):
    """Kill the server ten times: from outside at any moment, and from inside between commit and online store."""
    for number in range(KILLS):
        from_inside = number % 2
        pid = await servers.start(saves=random.randrange(5, 40) if from_inside else 0)
        before = len(load.acknowledged)
        if not from_inside:
            while len(load.acknowledged) < before + 40:
                await asyncio.sleep(0.005)
            os.kill(pid, signal.SIGKILL)
        await servers.gone(pid)


async def test_ten_crashes_lose_nothing_and_send_nothing_under_two_ids(tmp_path):
    receiver = Receiver()
    runner, url = await receiver.listen()
    port = free_port()
    servers, load = Servers(tmp_path, port, url), Load(port)
    clients = asyncio.create_task(load.run())
    await crash_again_and_again(servers, load)
    last = await servers.start()
    load.stopping = True
    await clients
    os.kill(last, signal.SIGTERM)
    await servers.gone(last)
    servers.close()
    await runner.cleanup()

    with (
        opened_database(tmp_path / "opportune.db") as database,
        database.connect() as connection,
        closing(OnlineStates(tmp_path)) as online,
    ):
        logged = list(connection.exec_driver_sql("SELECT message_id FROM events").scalars())
        keys = list(connection.exec_driver_sql("SELECT user_key FROM users ORDER BY user_no").scalars())
        last_seq = dict(connection.exec_driver_sql("SELECT user_key, last_seq FROM users").all())
        served = dict(zip(keys, online.read(keys), strict=True))
        rebuild(connection, StateKeeper(online))
        rebuilt = dict(zip(keys, online.read(keys), strict=True))
        fired = connection.exec_driver_sql("SELECT event_seq, count(*) FROM decisions GROUP BY event_seq").all()

    assert len(load.acknowledged) > KILLS * 20
    assert load.acknowledged <= set(logged)
    assert len(logged) == len(set(logged))
    assert [key for key in keys if unpack(rebuilt[key])[1] != last_seq[key]] == []
    # A state that a crash left behind is behind the log, never beside it: serving rebuilds it when it is next read.
    assert [key for key in keys if served[key] != rebuilt[key] and unpack(served[key])[1] >= last_seq[key]] == []
    assert {count for _, count in fired} == {1}
    assert receiver.ids
    assert {len(ids) for ids in receiver.ids.values()} == {1}


@pytest.mark.parametrize("newer", [1, 5])
async def test_a_log_restored_from_an_older_copy_rules_over_newer_states(tmp_path, newer):
    cart = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
    shop = Shop(tmp_path)
    await shop.engine.ingest([event("Product Added", "u", at, **cart) for at in range(3)])
    shop.close()
    shutil.copy(tmp_path / "opportune.db", tmp_path / "older.db")
    shop = Shop(tmp_path)
    await shop.engine.ingest([event("Product Added", "u", 10 + at, **cart) for at in range(newer)])
    shop.close()
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"opportune.db{suffix}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "older.db", tmp_path / "opportune.db")

    shop = Shop(tmp_path)
    answer = await shop.engine.score([("u", None)])
    state = await shop.engine.score([("u", None)], event=event("Product Added", "u", 60, **cart))
    shop.close()

    items = [each.scores[0].features[CATALOGUE.names.index("cart_items")] for each in (answer, state)]
    assert items == [3, 4]
