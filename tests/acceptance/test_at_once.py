"""Pause, refusal, opt-out and erasure take effect within a second while the server is busy, for what is pending too."""

import asyncio
import itertools
import time
from contextlib import asynccontextmanager

import pyarrow as pa
import pytest
from pyarrow import parquet

from serving.online import OnlineStates
from serving.schema import metadata
from tests.acceptance.processes import serving
from tests.contract.running import opened
from tests.serving.databases import rows
from tests.serving.receivers import receiving

POLICY = """
format: 1
triggers:
  - {name: by-hook, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live}
  - {name: by-mail, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live, channel: email}
"""
WITHIN_S = 1.0
WORKERS = 6
PEOPLE = 50
KEYS = ("ann-17", "anonymous:browser-of-ann")
SECRETS = ("ann-17", "browser-of-ann", "ann@example.org", "cart-of-ann")
PENDING = """
SELECT count(*) FROM outbox JOIN users USING (user_no) WHERE status = 'pending' AND user_key IN ('ann-17', 'bob')
"""
OFFLINE = ("parity.csv", "feast/states.parquet", "import/old.rejected.jsonl")


@asynccontextmanager
async def load(server):
    """Let others put things in their carts, as fast as the server answers, until the block is left."""
    numbers, stopping = itertools.count(), False

    async def worker():
        while not stopping:
            n = next(numbers)
            await server.score(f"busy-{n % PEOPLE}", "Product Added", f"busy-{n}", product_id="p", price=2)

    working = [asyncio.create_task(worker()) for _ in range(WORKERS)]
    await asyncio.sleep(0.2)
    try:
        yield numbers
    finally:
        stopping = True
        await asyncio.gather(*working)


@asynccontextmanager
async def busy_shop(home):
    """A server under load, its receiver, and Ann, who agreed to everything and has two ids."""
    async with receiving() as receiver, serving(home, POLICY, receiver.url) as server:
        (home / "import").mkdir()
        (home / "feast").mkdir(exist_ok=True)
        (home / "parity.csv").write_text("user_key\nann-17\n")
        (home / "import" / "old.rejected.jsonl").write_text('{"userId":"ann-17"}\n{"userId":"bob"}\n')
        parquet.write_table(pa.table({"user_key": list(KEYS)}), home / "feast" / "states.parquet")
        await identify(server, "ann-17", "browser-of-ann", email="ann@example.org", consents={"marketing": True})
        await identify(server, "bob", "browser-of-bob", consents={"marketing": True})
        async with load(server):
            yield server, receiver


async def identify(server, user, anonymous, **traits):
    raw = {"type": "identify", "userId": user, "anonymousId": anonymous, "messageId": f"i-{user}", "traits": traits}
    assert (await server.ask("POST", "/v1/identify", raw))[0] == 200


async def add(server, user, number):
    """Let somebody put something in the cart under one of their ids, as two messages want to tell."""
    anonymous = {"ann-17": "browser-of-ann"}.get(user) if number % 2 else None
    who = None if anonymous else user
    return await server.score(who, "Product Added", f"{user}-{number}", anonymous=anonymous, cart_id="cart-of-ann")


def came_for(receiver, *users):
    """Return when messages about these people came in."""
    return [
        at
        for at, body in zip(receiver.came_at, receiver.bodies, strict=True)
        if {body["data"].get("user_id"), body["data"].get("anonymous_id")} & set(users)
    ]


async def switch(server, *, paused):
    assert (await server.ask("PUT", "/v1/sending", {"paused": paused}))[0] == 200
    return time.monotonic()


async def test_a_pause_stops_all_sending_within_a_second_and_its_end_starts_it_again(tmp_path):
    async with busy_shop(tmp_path) as (server, receiver):
        before = len(receiver.ids)
        paused_at = await switch(server, paused=True)
        await asyncio.sleep(2 * WITHIN_S)
        last = max(receiver.came_at)
        decided = await add(server, "bob", 1)
        resumed_at = await switch(server, paused=False)
        await asyncio.sleep(WITHIN_S)
        after = [at for at in receiver.came_at if at > resumed_at]

    assert before > 0
    assert last <= paused_at + WITHIN_S
    assert [each["action"] for each in decided["decisions"]] == ["send", "send"]
    assert min(after) <= resumed_at + WITHIN_S


@pytest.mark.parametrize("way", ["refused", "suppressed", "address", "event"])
async def test_whoever_opts_out_gets_nothing_from_then_on_pending_messages_included(tmp_path, way):
    async with busy_shop(tmp_path) as (server, receiver):
        await switch(server, paused=True)
        for number in range(4):
            await add(server, "ann-17", number)
            await add(server, "bob", number)
        with opened(tmp_path) as database:
            assert rows(database, PENDING) == [(16,)]
            await OPT_OUTS[way](server)
            said = rows(database, WAITING)
        refused_at = await switch(server, paused=False)
        # Bob is written to still, so Ann's would have come as well.
        for number in range(4, 8):
            await add(server, "ann-17", number)
            await add(server, "bob", number)
        await asyncio.sleep(2 * WITHIN_S)
        late = [body["data"]["trigger"] for body in bodies_after(receiver, refused_at, "ann-17", "browser-of-ann")]
        others = len(came_for(receiver, "bob"))

    # Consent is asked for by mail alone; a webhook's receiver is expected to ask for itself.
    assert said == ([("by-hook", 4)] if way == "refused" else [])
    assert set(late) == ({"by-hook"} if way == "refused" else set())
    assert others == 16


WAITING = """
SELECT trigger, count(*) FROM outbox JOIN users u USING (user_no) LEFT JOIN users p ON p.user_no = u.merged_into
WHERE status = 'pending' AND 'ann-17' IN (u.user_key, p.user_key) GROUP BY trigger
"""


def bodies_after(receiver, moment, *users):
    return [
        body
        for at, body in zip(receiver.came_at, receiver.bodies, strict=True)
        if at > moment and {body["data"].get("user_id"), body["data"].get("anonymous_id")} & set(users)
    ]


async def refuse(server):
    assert (await server.ask("PUT", "/v1/users/ann-17/consents", {"consents": {"marketing": False}}))[0] == 200


async def suppress(server):
    entry = {"user_id": "ann-17", "channel": "*", "reason": "manual"}
    assert (await server.ask("PUT", "/v1/suppressions", entry))[0] == 200


async def suppress_the_address(server):
    entry = {"address": "ann@example.org", "channel": "email", "reason": "complained"}
    assert (await server.ask("PUT", "/v1/suppressions", entry))[0] == 200


async def complain(server):
    await server.score("ann-17", "Email Marked as Spam", "complaint")


OPT_OUTS = {"refused": refuse, "suppressed": suppress, "address": suppress_the_address, "event": complain}


def where(home, words):
    """Return the places that hold one of these words: tables, files byte by byte, and the online store."""
    with opened(home) as database:
        tables = {name: repr(rows(database, f"SELECT * FROM {name}")) for name in metadata.tables}
    found = [name for name, held in tables.items() if any(word in held for word in words)]
    states = OnlineStates(home).read(list(KEYS))
    found += [f"online: {key}" for key, state in zip(KEYS, states, strict=True) if state is not None]
    files = [each for each in home.rglob("*") if each.is_file()]
    return found + [
        str(each.relative_to(home)) for each in files if any(w.encode() in each.read_bytes() for w in words)
    ]


async def test_whoever_is_erased_is_in_no_table_no_file_and_no_message_within_a_second(tmp_path):
    async with busy_shop(tmp_path) as (server, receiver):
        await switch(server, paused=True)
        for number in range(20):
            await add(server, "ann-17", number)
        assert {"events", "outbox", "users", "addresses", *OFFLINE} <= set(where(tmp_path, SECRETS))
        assert "online: ann-17" in where(tmp_path, SECRETS)
        began = time.monotonic()
        status, said = await server.ask("DELETE", "/v1/users/anonymous:browser-of-ann")
        took_s = time.monotonic() - began
        found = where(tmp_path, SECRETS)
        await switch(server, paused=False)
        came_back = await server.ask(
            "POST",
            "/v1/track",
            {"event": "Product Added", "userId": "ann-17", "messageId": "late", "timestamp": "2026-01-01T00:00:00Z"},
        )
        await asyncio.sleep(2 * WITHIN_S)
        came = came_for(receiver, "ann-17", "browser-of-ann")
        later = where(tmp_path, SECRETS)

    assert (status, said["overwritten"]) == (200, True)
    assert took_s <= WITHIN_S
    assert sorted(said["files"]) == sorted(OFFLINE)
    assert came_back[0] == 200
    assert (found, later, came) == ([], [], [])
