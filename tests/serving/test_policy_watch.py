"""The policy of a server that runs follows its file, as a whole or not at all, and costs no request."""

import asyncio
import json
from collections import defaultdict

import pytest

from policy.reasons import Reason
from policy.source import parse
from serving import policy_watch
from tests.serving.asking import reply
from tests.serving.databases import rows
from tests.serving.servers import a_server

TRIGGER = "  - {{name: {name}, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: {mode}}}\n"


def a_policy(*names, mode="dry_run"):
    return (
        "triggers:\n" + "".join(TRIGGER.format(name=name, mode=mode) for name in names) if names else "triggers: []\n"
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where a server with one trigger lives, whose file is looked at often."""
    monkeypatch.setattr(policy_watch, "LOOK_EVERY_S", 0.01)
    (tmp_path / "triggers.yaml").write_text(a_policy("first"))
    return tmp_path


async def ask(edge, method, path, body=None):
    sent = b"" if body is None else json.dumps(body).encode()
    return await reply(edge, method, path, {"host": "127.0.0.1:8000", "content-type": "application/json"}, [sent])


async def in_service(edge):
    return (await ask(edge, "GET", "/v1/policy")).json


async def until(condition):
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.01)


def added(number, user="u"):
    properties = {"product_id": "p", "price": 2, "quantity": 1}
    return {
        "type": "track",
        "event": "Product Added",
        "userId": user,
        "messageId": f"m-{number}",
        "properties": properties,
    }


async def test_what_the_file_says_is_in_service_soon_and_a_restart_keeps_since_when(home):
    server = a_server(home)
    edge = server.edge()
    async with server.life(None):
        before = await in_service(edge)
        (home / "triggers.yaml").write_text(a_policy("first", "second"))

        async def is_taken():
            return (await in_service(edge))["version"] != before["version"]

        await until(is_taken)
        after = await in_service(edge)
        decided = await ask(edge, "POST", "/v1/score", {"user_id": "u", "event": added(1)})
        metrics = await ask(edge, "GET", "/metrics")
    again = a_server(home)
    async with again.life(None):
        restarted = await in_service(again.edge())

    assert [each["name"] for each in after["triggers"]] == ["first", "second"]
    assert after["version"] == parse(a_policy("first", "second")).version
    assert after["triggers"][1]["in_words"].startswith("At Product Added, send a marketing message by webhook")
    assert (after["triggers"][1]["mode"], after["triggers"][1]["waiting"], after["refusal"]) == ("dry_run", 0, None)
    assert [each["trigger"] for each in decided.json["decisions"]] == ["first", "second"]
    assert decided.json["policy_version"] == after["version"]
    assert f'opportune_policy{{version="{after["version"]}"}} 1.0'.encode() in metrics.body
    assert before["since"] < after["since"] == restarted["since"]


async def test_a_file_that_is_wrong_changes_nothing_and_is_told_until_it_is_mended(home, caplog):
    server = a_server(home)
    edge = server.edge()
    async with server.life(None):
        version = (await in_service(edge))["version"]
        (home / "triggers.yaml").write_text(a_policy("first").replace("threshold", "treshold"))

        async def is_told():
            return bool((await ask(edge, "GET", "/readyz")).json["remarks"])

        async def is_mended():
            return not await is_told()

        await until(is_told)
        await asyncio.sleep(0.1)
        ready = await ask(edge, "GET", "/readyz")
        metrics = await ask(edge, "GET", "/metrics")
        answer = await ask(edge, "POST", "/v1/policy/reload", {})
        told = await in_service(edge)
        decided = await ask(edge, "POST", "/v1/score", {"user_id": "u", "event": added(1)})
        (home / "triggers.yaml").write_text(a_policy("first"))
        await until(is_mended)
        mended = await ask(edge, "GET", "/metrics")

    [remark] = ready.json["remarks"]
    assert ready.status == 200
    assert remark.startswith("the policy file was refused: triggers.yaml:2: triggers[0].threshold: is missing; ")
    assert remark.endswith(f"; version {version} stays in service")
    assert str(home) not in remark
    assert (answer.status, answer.json["code"], answer.json["detail"]) == (409, "policy_refused", remark)
    assert (told["version"], told["refusal"]) == (version, remark)
    assert decided.json["policy_version"] == version
    assert b"opportune_policy_refused 1.0" in metrics.body
    assert b"opportune_policy_refused 0.0" in mended.body
    assert len([each for each in caplog.messages if each.startswith("the policy file is refused")]) == 1


async def test_asked_to_reload_it_answers_with_what_is_different(home, monkeypatch):
    monkeypatch.setattr(policy_watch, "LOOK_EVERY_S", 3600.0)
    server = a_server(home)
    edge = server.edge()
    async with server.life(None):
        same = await ask(edge, "POST", "/v1/policy/reload", {})
        (home / "triggers.yaml").write_text(a_policy("second"))
        other = await ask(edge, "POST", "/v1/policy/reload", {})

    before, after = parse(a_policy("first")).version, parse(a_policy("second")).version
    nothing = {"added": [], "removed": [], "changed": []}
    assert same.json == {"version": before, "before": before, **nothing}
    assert other.json == {"version": after, "before": before, **nothing, "added": ["second"], "removed": ["first"]}


async def test_an_endpoint_that_the_new_policy_names_and_nobody_configured_is_missed(home):
    server = a_server(home)
    edge = server.edge()
    async with server.life(None):
        (home / "triggers.yaml").write_text(a_policy("first", mode="live").replace("mode", "endpoint: sms, mode"))
        await ask(edge, "POST", "/v1/policy/reload", {})
        answer = await ask(edge, "GET", "/readyz")

    assert answer.json["missing"] == ["an endpoint named sms: messages for it wait in the outbox"]


async def test_what_the_policy_of_today_would_not_send_is_not_sent_after_a_restart_either(home):
    (home / "triggers.yaml").write_text(a_policy("first", mode="live"))
    server = a_server(home)
    async with server.life(None):
        await ask(server.edge(), "POST", "/v1/score", {"user_id": "u", "event": added(1)})
    (home / "triggers.yaml").write_text(a_policy("first"))
    again = a_server(home)
    async with again.life(None):

        async def is_settled():
            return rows(again.database, "SELECT status FROM outbox") != [("pending",)]

        await until(is_settled)
        found = rows(again.database, "SELECT status, attempts FROM outbox")

    assert [status for status, _ in found] == ["withdrawn"]


async def test_a_policy_that_cannot_be_written_down_is_tried_again(home):
    server = a_server(home)
    edge = server.edge()
    async with server.life(None):
        await server.engine.write(
            lambda c: c.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON facts BEGIN SELECT raise(FAIL, 'full'); END"
            )
        )
        (home / "triggers.yaml").write_text(a_policy("second"))
        failed = await ask(edge, "POST", "/v1/policy/reload", {})
        during = await in_service(edge)
        await server.engine.write(lambda c: c.exec_driver_sql("DROP TRIGGER full"))

        async def is_taken():
            return (await in_service(edge))["version"] != during["version"]

        await until(is_taken)

    assert failed.status == 500
    assert [each["name"] for each in during["triggers"]] == ["first"]


async def test_changes_in_the_middle_of_a_load_lose_no_request_and_mix_no_policies(home):
    names = [[f"t{n}-{i}" for i in range(1 + n % 3)] for n in range(12)]
    policies = {parse(a_policy(*each)).version: each for each in names}
    server = a_server(home)
    edge = server.edge()
    (home / "triggers.yaml").write_text(a_policy(*names[0]))
    async with server.life(None):
        await ask(edge, "POST", "/v1/policy/reload", {})
        load = [asyncio.create_task(_shop(edge, user)) for user in range(16)]
        reloaded = []
        for each in names[1:]:
            (home / "triggers.yaml").write_text(a_policy(*each))
            reloaded.append(await ask(edge, "POST", "/v1/policy/reload", {}))
            await asyncio.sleep(0.02)
        answers = [answer for each in await asyncio.gather(*load) for answer in each]
        logged = rows(server.database, "SELECT event_seq, trigger, policy_version FROM decisions ORDER BY rowid")
        events = rows(server.database, "SELECT count(*) FROM events")

    assert {each.status for each in (*reloaded, *answers)} == {200}
    assert events == [(len(answers),)]
    for each in answers:
        assert [made["trigger"] for made in each.json["decisions"]] == policies[each.json["policy_version"]]
    by_event = defaultdict(list)
    for seq, trigger, version in logged:
        by_event[seq].append((trigger, version))
    assert len(by_event) == len(answers)
    for made in by_event.values():
        [version] = {version for _, version in made}
        assert [trigger for trigger, _ in made] == policies[version]
    in_order = [list(policies).index(made[0][1]) for _, made in sorted(by_event.items())]
    assert in_order == sorted(in_order)
    assert len(set(in_order)) > 3


async def _shop(edge, user):
    found = []
    for number in range(25):
        event = added(f"{user}-{number}", f"u{user}")
        found.append(await ask(edge, "POST", "/v1/score", {"user_id": f"u{user}", "event": event}))
        await asyncio.sleep(0.003)
    return found


async def test_what_ended_is_explained_exported_and_erased_like_any_decision(home):
    (home / "triggers.yaml").write_text(a_policy("waits").replace("threshold", "after: 1h, threshold"))
    server = a_server(home)
    edge = server.edge()
    async with server.life(None):
        await ask(edge, "POST", "/v1/score", {"user_id": "u", "event": added(1)})
        waits = (await in_service(edge))["triggers"][0]["waiting"]
        (home / "triggers.yaml").write_text(a_policy())
        await ask(edge, "POST", "/v1/policy/reload", {})

        async def is_ended():
            return rows(server.database, "SELECT count(*) FROM timers") == [(0,)]

        await until(is_ended)
        [told, *_] = (await ask(edge, "GET", "/v1/decisions?user_id=u")).json["evaluations"]
        exported = (await ask(edge, "GET", "/v1/users/u/export")).json
        metrics = await ask(edge, "GET", "/metrics")
        await ask(edge, "DELETE", "/v1/users/u")
        left = rows(server.database, "SELECT (SELECT count(*) FROM decisions), (SELECT count(*) FROM evaluations)")

    assert waits == 1
    assert told["in_words"] == f"waits: {Reason.POLICY_CHANGED.sentence}"
    assert (told["intent"], told["models"], told["decisions"][0]["score"]) == ({}, {}, None)
    assert [each["reason"] for each in exported["tables"]["decisions"]] == ["policy_changed"]
    assert b'opportune_decisions_total{action="hold",reason="policy_changed"} 1.0' in metrics.body
    assert left == [(0, 0)]
