"""Pause, refusal, opt-out and erasure take effect within a second while the server is busy, for what is pending too."""

import asyncio
import itertools
import time
from contextlib import closing

import pyarrow as pa
import pytest
import pytest_asyncio
from pyarrow import parquet

from serving.online import OnlineStates
from serving.schema import metadata
from tests.acceptance.processes import serving
from tests.contract.running import opened
from tests.serving.databases import rows
from tests.serving.receivers import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = """
format: 1
triggers:
  - {name: by-hook, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live}
  - {name: by-mail, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live, channel: email}
"""
WITHIN_S = 1.0
BUSY_AFTER_S = 20.0
"""By then a server that has just begun sends, however little of the machine it gets."""
WORKERS = 6
PEOPLE = 50
WAITING = """
SELECT coalesce(p.user_key, u.user_key), o.trigger, count(*)
FROM outbox o JOIN users u USING (user_no) LEFT JOIN users p ON p.user_no = u.merged_into
WHERE o.status = 'pending' AND coalesce(p.user_key, u.user_key) NOT LIKE 'busy-%' GROUP BY 1, 2
"""
KEYS = ("ann", "anonymous:browser-of-ann")
SECRETS = ("browser-of-ann", "ann@example.org", "cart-of-ann")
"""Ann herself is looked for by her browser: her name is too short to be found byte by byte."""
OFFLINE = ("parity.csv", "feast/states.parquet", "import/old.rejected.jsonl")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory):
    """A home, a server that others put things into their carts of as fast as it answers, and its receiver."""
    home = tmp_path_factory.mktemp("home")
    numbers, stopping = itertools.count(), False

    async def worker(server):
        while not stopping:
            n = next(numbers)
            await server.score(f"busy-{n % PEOPLE}", "Product Added", f"busy-{n}", product_id="p", price=2)

    async with receiving() as receiver, serving(home, POLICY, receiver.url) as server:
        working = [asyncio.create_task(worker(server)) for _ in range(WORKERS)]
        try:
            async with asyncio.timeout(BUSY_AFTER_S):
                while not receiver.ids:
                    await asyncio.sleep(0.01)
            yield home, server, receiver
        finally:
            stopping = True
            await asyncio.gather(*working)


async def introduce(server, *users):
    """Let users say who they are, and that they agree to mail."""
    for user in users:
        traits = {"email": f"{user}@example.org", "consents": {"marketing": True}}
        ids = {"userId": user, "anonymousId": f"browser-of-{user}", "messageId": f"hello-{user}"}
        assert (await server.ask("POST", "/v1/identify", {"type": "identify", **ids, "traits": traits}))[0] == 200


async def add(server, user, numbers):
    """Let somebody put things into the cart, under each of their ids in turn; two messages want to tell of each."""
    for number in numbers:
        ids = (None, f"browser-of-{user}") if number % 2 else (user, None)
        message_id = f"{ids[0] or ids[1]}-{number}"
        await server.score(ids[0], "Product Added", message_id, anonymous=ids[1], cart_id=f"cart-of-{user}")


async def switch(server, *, paused):
    """Pause or resume all sending; return when that was answered."""
    assert (await server.ask("PUT", "/v1/sending", {"paused": paused}))[0] == 200
    return time.monotonic()


def came_for(receiver, user):
    """Return the triggers whose messages about somebody came in."""
    ids = {user, f"browser-of-{user}"}
    told = [body["data"] for body in receiver.bodies]
    return [data["trigger"] for data in told if {data.get("user_id"), data.get("anonymous_id")} & ids]


async def test_a_pause_stops_all_sending_within_a_second_and_its_end_starts_it_again(shop):
    home, server, receiver = shop
    before = len(receiver.ids)
    paused_at = await switch(server, paused=True)
    await asyncio.sleep(2 * WITHIN_S)
    last = max(receiver.came_at)
    with opened(home) as database:
        waiting = rows(database, "SELECT count(*) FROM outbox WHERE status = 'pending'")
    resumed_at = await switch(server, paused=False)
    await asyncio.sleep(WITHIN_S)
    after = [at for at in receiver.came_at if at > resumed_at]

    assert before > 0
    assert last <= paused_at + WITHIN_S
    assert waiting > [(0,)]
    assert min(after) <= resumed_at + WITHIN_S


async def opt_out(server):
    """Let four people say no, each in a way of their own."""
    ask = server.ask
    suppressed = {"user_id": "bea", "channel": "*", "reason": "manual"}
    complained = {"address": "cleo@example.org", "channel": "email", "reason": "complained"}
    said = [
        await ask("PUT", "/v1/users/amy/consents", {"consents": {"marketing": False}}),
        await ask("PUT", "/v1/suppressions", suppressed),
        await ask("PUT", "/v1/suppressions", complained),
    ]
    await server.score("dora", "Email Marked as Spam", "complaint-of-dora")
    assert [status for status, _ in said] == [200] * 3


async def fates(server, user):
    """Return what became of the messages of a user: trigger, status and reason."""
    status, said = await server.ask("GET", f"/v1/decisions?user_id={user}&limit=100")
    made = [decision for each in said["evaluations"] for decision in each["decisions"]]
    assert status == 200
    return {(made["trigger"], each["status"], each["reason"]) for made in made for each in made["messages"]}


async def test_whoever_opts_out_gets_nothing_from_then_on_and_is_told_why_pending_messages_included(shop):
    home, server, receiver = shop
    people = ("amy", "bea", "cleo", "dora")
    await introduce(server, *people, "ben")
    await switch(server, paused=True)
    for user in (*people, "ben"):
        await add(server, user, range(4))
    await opt_out(server)
    with opened(home) as database:
        waiting = rows(database, WAITING)
    await switch(server, paused=False)
    for user in (*people, "ben"):
        await add(server, user, range(4, 8))
    async with asyncio.timeout(20):
        while len(came_for(receiver, "ben")) < 16:
            await asyncio.sleep(0.05)
    await asyncio.sleep(WITHIN_S)
    told = {user: await fates(server, user) for user in people}
    came = {user: came_for(receiver, user) for user in people}

    # Consent is asked for by mail; the receiver of a webhook is expected to ask for itself.
    assert waiting == [("amy", "by-hook", 4), ("ben", "by-hook", 4), ("ben", "by-mail", 4)]
    assert came == {"amy": ["by-hook"] * 8, "bea": [], "cleo": [], "dora": []}
    assert told["amy"] == {("by-hook", "delivered", None), ("by-mail", "withdrawn", "no_consent")}
    for user in ("bea", "cleo", "dora"):
        assert told[user] == {(by, "withdrawn", "suppressed") for by in ("by-hook", "by-mail")}


def keep_offline(home):
    """Write Ann into files that retraining, a parity check and an import would have left."""
    for folder in ("import", "feast"):
        (home / folder).mkdir(exist_ok=True)
    (home / "parity.csv").write_text("user_key\nanonymous:browser-of-ann\n")
    (home / "import" / "old.rejected.jsonl").write_text('{"anonymousId":"browser-of-ann"}\n{"userId":"bob"}\n')
    parquet.write_table(pa.table({"user_key": list(KEYS)}), home / "feast" / "states.parquet")


def where(home):
    """Return the places that hold Ann: tables, files byte by byte, and the online store."""
    with opened(home) as database:
        tables = {name: repr(rows(database, f"SELECT * FROM {name}")) for name in metadata.tables}
    found = [name for name, held in tables.items() if any(word in held for word in (*SECRETS, "'ann'"))]
    with closing(OnlineStates(home)) as states:
        kept = states.read(list(KEYS))
    found += [f"online: {key}" for key, state in zip(KEYS, kept, strict=True) if state is not None]
    files = {str(each.relative_to(home)): each.read_bytes() for each in home.rglob("*") if each.is_file()}
    return found + [name for name, held in files.items() if any(word.encode() in held for word in SECRETS)]


async def test_whoever_is_erased_is_in_no_table_no_file_and_no_message_within_a_second(shop):
    late = {"event": "Product Added", "userId": "ann", "messageId": "late", "timestamp": "2026-01-01T00:00:00Z"}
    home, server, receiver = shop
    keep_offline(home)
    await switch(server, paused=True)
    await introduce(server, "ann", "bob")
    await add(server, "ann", range(20))
    before = where(home)
    began = time.monotonic()
    status, said = await server.ask("DELETE", "/v1/users/anonymous:browser-of-ann")
    took_s = time.monotonic() - began
    after = where(home)
    await switch(server, paused=False)
    assert (await server.ask("POST", "/v1/track", late))[0] == 200
    await add(server, "bob", range(1))
    async with asyncio.timeout(20):
        while not came_for(receiver, "bob"):
            await asyncio.sleep(0.05)
    await asyncio.sleep(WITHIN_S)
    later, came = where(home), came_for(receiver, "ann")

    assert {"events", "outbox", "users", "addresses", "online: ann", *OFFLINE} <= set(before)
    assert (status, said["overwritten"], sorted(said["files"])) == (200, True, sorted(OFFLINE))
    assert took_s <= WITHIN_S
    assert (after, later, came) == ([], [], [])
