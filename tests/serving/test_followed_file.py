"""The mapping, the channels and the webhooks of a server that runs follow their files, as a whole or not at all."""

import asyncio
import json
import os

import pytest

from features.kinds import Kind
from serving import followed_file, routes_events
from serving.followed_file import FollowedFile, follow
from serving.mapping_file import MappingRefused
from tests.serving.asking import reply
from tests.serving.databases import rows
from tests.serving.servers import a_server

POLICY = """
triggers:
  - name: bought
    on: Kauf
    threshold: 0
    cool_down: 0
    hold_out: 0
    mode: live
    content: {text: hello}
"""
PLAIN, BUYING = "events: {}\n", "events: {Kauf: Order Completed}\n"
FILE = "endpoints: {{{name}: {{type: file, file: {name}.jsonl}}}}\nchannels: {{webhook: {name}}}\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where a server lives whose files are looked at often."""
    monkeypatch.setattr(followed_file, "LOOK_EVERY_S", 0.01)
    (tmp_path / "triggers.yaml").write_text(POLICY)
    (tmp_path / "events.yaml").write_text(PLAIN)
    (tmp_path / "channels.yaml").write_text(FILE.format(name="one"))
    return tmp_path


def opened(home, **settings):
    return a_server(home, events=home / "events.yaml", channels=home / "channels.yaml", **settings)


async def ask(edge, method, path, body=None):
    sent = b"" if body is None else json.dumps(body).encode()
    return await reply(edge, method, path, {"host": "127.0.0.1:8000", "content-type": "application/json"}, [sent])


async def until(condition):
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.01)


async def remarks(edge):
    return (await ask(edge, "GET", "/readyz")).json["remarks"]


def kauf(number, user="u"):
    return {"type": "track", "event": "Kauf", "userId": user, "messageId": f"m-{number}", "properties": {"total": 9}}


def kinds(server):
    return [kind for (kind,) in rows(server.database, "SELECT kind FROM events ORDER BY seq")]


def written(home, name):
    file = home / "sent" / f"{name}.jsonl"
    return file.read_text().splitlines() if file.exists() else []


async def test_events_are_mapped_as_the_file_says_now_and_triggers_follow(home):
    server = opened(home)
    edge = server.edge()
    async with server.life(None):
        before = await ask(edge, "POST", "/v1/score", {"user_id": "u", "event": kauf(0)})
        (home / "events.yaml").write_text(BUYING)
        numbers = iter(range(1, 10_000))

        async def is_mapped():
            await ask(edge, "POST", "/v1/track", kauf(next(numbers), user="w"))
            return Kind.ORDER_COMPLETED in kinds(server)

        await until(is_mapped)
        after = await ask(edge, "POST", "/v1/score", {"user_id": "u", "event": kauf("last")})
        logged = kinds(server)

    assert [each["trigger"] for each in before.json["decisions"]] == ["bought"]
    assert [each["trigger"] for each in after.json["decisions"]] == ["bought"]
    assert (logged[0], logged[-1]) == (Kind.OTHER, Kind.ORDER_COMPLETED)


async def test_a_pipe_in_the_place_of_a_file_is_refused_and_the_others_are_followed_on(home):
    server = opened(home)
    edge = server.edge()
    async with server.life(None):
        for name in ("events.yaml", "triggers.yaml"):
            (home / name).unlink()
            os.mkfifo(home / name)

        async def are_told():
            return sum("Is not a regular file" in each for each in await remarks(edge)) == 2

        await until(are_told)
        (home / "channels.yaml").write_text(FILE.format(name="two"))

        async def is_followed():
            return "two" in server.dispatcher.endpoints

        await until(is_followed)


async def test_one_request_is_mapped_in_one_way_and_nothing_is_lost_while_the_mapping_changes(home, monkeypatch):
    # So that others have their turn in the middle of a request.
    monkeypatch.setattr(routes_events, "AT_ONCE", 4)
    server = opened(home)
    edge = server.edge()
    async with server.life(None):
        sent = 0
        for turn in range(10):
            (home / "events.yaml").write_text([BUYING, PLAIN][turn % 2])
            for batch in range(2):
                events = [kauf(f"{turn}-{batch}-{n}") for n in range(120)]
                answer = await ask(edge, "POST", "/v1/batch", {"batch": events})
                assert answer.status == 200
                sent += len(events)
                await asyncio.sleep(0.01)
        found = rows(server.database, "SELECT message_id, kind FROM events ORDER BY seq")

    mapped = {}
    for message_id, kind in found:
        mapped.setdefault(message_id.rpartition("-")[0], set()).add(kind)
    assert len(found) == sent
    assert {len(each) for each in mapped.values()} == {1}
    assert set.union(*mapped.values()) == {Kind.OTHER, Kind.ORDER_COMPLETED}


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("events.yaml", "events: {Kauf: Order Compleated}\n", "the mapping of events was refused: events.yaml:1: "),
        ("channels.yaml", "endpoints: {one: {type: fax}}\n", "the file of channels was refused: channels.yaml:1: "),
    ],
)
async def test_a_file_that_is_wrong_changes_nothing_and_is_told_until_it_is_mended(home, caplog, file, text, told):
    server = opened(home, public_url="https://shop.example")
    edge = server.edge()
    gauge = {"events.yaml": "mapping", "channels.yaml": "channels"}[file]
    right = (home / file).read_text()
    async with server.life(None):
        (home / file).write_text(text)

        async def is_told():
            return bool(await remarks(edge))

        async def is_mended():
            return not await remarks(edge)

        await until(is_told)
        await asyncio.sleep(0.1)
        [remark] = await remarks(edge)
        during = await ask(edge, "GET", "/metrics")
        taken = await ask(edge, "POST", "/v1/track", kauf(1))
        (home / file).write_text(right)
        await until(is_mended)
        after = await ask(edge, "GET", "/metrics")

    assert remark.startswith(told)
    assert remark.endswith("; what was read before stays in service")
    assert str(home) not in remark
    assert taken.status == 200
    assert f"opportune_{gauge}_refused 1.0".encode() in during.body
    assert f"opportune_{gauge}_refused 0.0".encode() in after.body
    assert len([each for each in caplog.messages if " is refused:" in each]) == 1


async def test_messages_go_where_the_file_of_channels_says_now(home):
    server = opened(home)
    edge = server.edge()
    async with server.life(None):
        await ask(edge, "POST", "/v1/track", kauf(1))

        async def is_sent():
            return len(written(home, "one")) == 1

        await until(is_sent)
        (home / "channels.yaml").write_text(FILE.format(name="two"))

        async def is_taken():
            return set(server.dispatcher.endpoints) == {"default", "two"}

        await until(is_taken)
        await ask(edge, "POST", "/v1/track", kauf(2))

        async def is_sent_there():
            return len(written(home, "two")) == 1

        await until(is_sent_there)

    assert len(written(home, "one")) == 1


async def test_whoever_sends_webhooks_is_whom_the_file_names_now(home, monkeypatch):
    monkeypatch.setenv("POSTMARK_PASSWORD", "p")
    (home / "hooks.yaml").write_text("{}\n")
    server = opened(home, hooks=home / "hooks.yaml")
    edge = server.edge()
    async with server.life(None):
        unknown = await ask(edge, "POST", "/v1/hooks/postmark", {})
        (home / "hooks.yaml").write_text("postmark: {user: u, password_env: POSTMARK_PASSWORD}\n")

        async def is_known():
            return (await ask(edge, "POST", "/v1/hooks/postmark", {})).status != 404

        await until(is_known)
        unproven = await ask(edge, "POST", "/v1/hooks/postmark", {})

    assert (unknown.status, unproven.status) == (404, 401)


async def test_what_is_being_written_is_not_believed_and_what_failed_otherwise_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(followed_file, "LOOK_EVERY_S", 0.01)
    path, failures, taken = tmp_path / "f.yaml", [OSError("full"), MappingRefused(f"{tmp_path}/f.yaml:1: no")], []
    path.write_text("a")

    async def take():
        taken.append(path.read_text())
        if failures:
            raise failures.pop(0)

    file = FollowedFile("it", path, take, (MappingRefused,))
    assert not file.changed()
    path.write_text("b")
    assert [file.changed(), file.changed()] == [False, True]
    following = asyncio.create_task(follow([file]))

    async def is_refused():
        return file.refusal is not None

    await until(is_refused)
    told, measured = file.refusal, file.measure()
    path.write_text("c")

    async def is_taken():
        return not await is_refused()

    await until(is_taken)
    following.cancel()

    assert (told, measured) == ("it was refused: f.yaml:1: no; what was read before stays in service", 1.0)
    assert taken == ["b", "b", "c"]
    assert file.measure() == 0.0
