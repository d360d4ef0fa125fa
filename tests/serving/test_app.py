"""A server put together: what it refuses to start with, what it says it lacks, and how it stops."""

import asyncio
import json
import sqlite3
from contextlib import closing
from functools import lru_cache

import psutil
import pytest
from sqlalchemy import text

from serving import champions as champions_module
from serving.__main__ import main
from serving.app import OpenToTheWorld
from serving.clock import wall
from serving.database import SchemaUnknown
from serving.keys import create_key
from serving.write_lock import LOOK_EVERY_S
from tests.models.bundles import a_bundle
from tests.serving.asking import reply
from tests.serving.databases import a_database, begun, rows
from tests.serving.receivers import SECRET
from tests.serving.servers import HOOK, a_server

TRIGGERS = """
triggers:
  - {name: warm-cart, on: Product Added, threshold: 0, cool_down: 1h, hold_out: 0, mode: live, endpoint: %s}
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "triggers.yaml").write_text(TRIGGERS % "default")
    return tmp_path


@pytest.fixture
def starting(home, monkeypatch):
    """`python -m serving` with this environment, in this process; answers the last thing it said."""

    def start(**settings):
        given = {"home": home, "triggers": home / "triggers.yaml", "watch_registry": "false", "health_every_min": 0}
        for name, value in (given | settings).items():
            monkeypatch.setenv(f"OPPORTUNE_{name.upper()}", str(value))
        with pytest.raises(SystemExit) as ended:
            main()
        # A text is what Python writes to the standard error before it exits with 1.
        assert isinstance(ended.value.code, str)
        return ended.value.code

    return start


async def ask(server, method, path, body=b""):
    sent = {"host": "127.0.0.1:8000", "content-type": "application/json"}
    return await reply(
        edge_of(server), method, path, sent, [body if isinstance(body, bytes) else json.dumps(body).encode()]
    )


@lru_cache(maxsize=1)
def edge_of(server):
    return server.edge()


async def ready(server, status):
    """Return what the server says of itself once it says so: states are written after the answer."""
    async with asyncio.timeout(20):
        while (answer := await ask(server, "GET", "/readyz")).status != status:
            await asyncio.sleep(0.005)
    return answer


def missing(answer):
    return answer.json["missing"]


def cart_items(answer):
    return next(each["value"] for each in answer.json["features"] if each["name"] == "cart_items")


def added(number, user="u", **more):
    return {
        "type": "track",
        "event": "Product Added",
        "userId": user,
        "messageId": f"m-{number}",
        "properties": {"product_id": "p", "price": 2, "quantity": 1, **more},
    }


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_without_keys_it_refuses_to_listen_beyond_this_machine_and_says_so_in_a_sentence(starting, host):
    said = starting(host=host)

    assert said == (
        "opportune: Without API keys the server listens on loopback only: make one with `make key`, "
        "or set OPPORTUNE_HOST."
    )


@pytest.mark.parametrize("refusal", [OpenToTheWorld, SchemaUnknown])
def test_a_server_that_refuses_to_start_has_let_its_files_go(home, refusal):
    if refusal is SchemaUnknown:
        with a_database(home) as database, database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    # The error holds whatever there was of the server.
    with pytest.raises(refusal) as _held:
        a_server(home, host="0.0.0.0")

    assert [each.path for each in psutil.Process().open_files() if each.path.startswith(str(home))] == []


def test_with_a_key_it_may_listen_to_the_world(home):
    with a_database(home) as database, database.begin() as connection:
        create_key(connection, "shop", frozenset({"score"}), created_at=wall())
    server = a_server(home, host="0.0.0.0")

    assert asyncio.run(ask(server, "POST", "/v1/score", {"user_id": "u"})).status == 401
    server.close()


def test_it_is_not_ready_while_the_registry_may_have_models_and_was_not_asked(home):
    awaited = "the models: the registry has not been asked yet, and the rule answers"
    server = a_server(home, watch_registry=True)
    before = missing(asyncio.run(ask(server, "GET", "/readyz")))
    (home / "mlflow.db").touch()
    found = missing(asyncio.run(ask(server, "GET", "/readyz")))
    (home / "bundles").mkdir(exist_ok=True)
    (home / "bundles" / "status.json").write_text("{}")

    assert awaited not in before
    assert awaited in found
    assert missing(asyncio.run(ask(server, "GET", "/readyz"))) == before
    server.close()


def test_a_setting_that_cannot_be_meant_is_named_as_it_was_set(starting):
    assert starting(port="http").startswith("opportune: OPPORTUNE_PORT: ")
    assert "OPPORTUNE_HORIZONS: " in starting(port="80", horizons="tomorrow")
    assert starting(horizons="24h", webhooks="{").startswith("opportune: ")


def test_a_setting_that_nobody_knows_is_told_and_keeps_no_server_from_starting(starting, caplog):
    # It gets as far as the policy file.
    assert "nowhere.yaml" in starting(triggers="nowhere.yaml", tracking_consents="required")
    assert "OPPORTUNE_TRACKING_CONSENTS is no setting; did you mean OPPORTUNE_TRACKING_CONSENT?" in caplog.messages


def test_half_a_webhook_is_no_webhook(starting):
    assert starting(webhook_url=HOOK).startswith("opportune: webhook_url and webhook_secret belong")


def test_a_policy_that_cannot_be_used_is_named_with_file_and_line(starting, home):
    assert "nowhere.yaml" in starting(triggers=home / "nowhere.yaml")
    (home / "triggers.yaml").write_text("triggers:\n  - {name: A}\n")
    assert f"{home / 'triggers.yaml'}:2: " in starting(triggers=home / "triggers.yaml")


def test_a_mapping_that_cannot_be_used_is_named(starting, home):
    (home / "events.yaml").write_text("names: 5\n")

    assert "events.yaml" in starting(events=home / "events.yaml")


def test_a_damaged_database_is_named(starting, home):
    (home / "opportune.db").write_text("not a database " * 100)

    assert starting().startswith(f"opportune: {home / 'opportune.db'} cannot be used: ")


def test_a_database_that_takes_no_writing_or_is_of_a_newer_version_is_named(starting, home):
    with a_database(home) as database, database.begin() as connection:
        connection.execute(text("CREATE TRIGGER t BEFORE INSERT ON facts BEGIN SELECT RAISE(FAIL, 'read only'); END"))
    assert starting() == f"opportune: {home / 'opportune.db'} cannot be used: read only"

    with a_database(home) as database, database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert starting().startswith(f"opportune: {home / 'opportune.db'} cannot be used: ")


def test_a_replay_sends_to_this_machine_only(starting):
    settings = {"replay": "true", "webhook_secret": SECRET}

    assert starting(webhook_url="https://hooks.example/in", **settings) == (
        "opportune: endpoint default: is on another machine; a replay sends to this machine only"
    )


async def test_it_is_ready_while_it_lives_and_says_what_is_missing_before(home):
    server = a_server(home)
    before = await ask(server, "GET", "/readyz")
    async with server.life(None):
        during = await ask(server, "GET", "/readyz")

    assert (before.status, missing(before)) == (503, ["the dispatcher: messages are decided on, but not sent"])
    assert during.status == 200


async def test_a_dispatcher_that_ended_is_missed(home):
    server = a_server(home)
    async with server.life(None):
        server.dispatcher.stop()
        await asyncio.wait_for(server._dispatching, 10)
        answer = await ask(server, "GET", "/readyz")

    assert missing(answer) == ["the dispatcher: messages are decided on, but not sent"]


async def test_an_endpoint_that_a_trigger_names_and_nobody_configured_is_missed(home):
    (home / "triggers.yaml").write_text(TRIGGERS % "sms")
    server = a_server(home)
    async with server.life(None):
        answer = await ask(server, "GET", "/readyz")

    assert answer.status == 503
    assert missing(answer) == ["an endpoint named sms: messages for it wait in the outbox"]


async def test_an_online_store_that_fails_is_missed_until_it_works_again_and_costs_no_event(home, caplog):
    server = a_server(home)
    async with server.life(None):
        first = await ask(server, "POST", "/v1/score", {"event": added(1)})
        [store] = [each for each in home.rglob("*.db") if each.name != "opportune.db"]
        with closing(sqlite3.connect(store)) as connection:
            [table] = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
            connection.execute(f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT raise(FAIL, 'full'); END")
        failing = await ask(server, "POST", "/v1/score", {"event": added(2)})
        during = await ready(server, 503)
        await ask(server, "POST", "/v1/score", {"event": added(4)})
        await server.engine.flush()
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("DROP TRIGGER full")
        # Though nobody sends anything meanwhile, since it is not ready.
        after = await ready(server, 200)
        working = await ask(server, "POST", "/v1/score", {"event": added(3)})
        features = await ask(server, "GET", "/v1/users/u/features")

    assert [each.status for each in (first, failing, working)] == [200] * 3
    assert missing(during) == ["the online store: full; states are rebuilt from the log at each read"]
    assert missing(after) == []
    assert cart_items(features) == 4
    assert caplog.text.count("the online store did not take the latest states") == 1


async def test_a_full_disk_is_missed_until_there_is_room_again_though_nobody_sends_meanwhile(home, caplog):
    server = a_server(home)
    async with server.life(None):
        await ask(server, "POST", "/v1/score", {"event": added(1)})
        disk = server.engine._driver
        await begun(disk)
        pages = disk.execute("PRAGMA page_count").fetchone()[0]
        disk.execute(f"PRAGMA max_page_count={pages}").fetchall()
        refused = await ask(server, "POST", "/v1/score", {"event": added(2, note="x" * 20_000)})
        await server.engine.write(lambda _: None)  # As the dispatcher does that finds nothing to send.
        during = await ready(server, 503)
        asked = await ask(server, "POST", "/v1/score", {"user_id": "u"})
        disk.execute("PRAGMA max_page_count=1000000").fetchall()
        after = await ready(server, 200)
        working = await ask(server, "POST", "/v1/score", {"event": added(2)})

    assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "not_writable", "1")
    assert missing(during) == ["a disk that can be written to: events are refused"]
    assert (asked.status, missing(after), working.status) == (200, [], 200)
    assert [each.getMessage() for each in caplog.records].count("an item could not be handled") == 1


async def test_a_database_that_was_taken_away_is_missed_and_nothing_is_acknowledged_until_it_is_back(home):
    server = a_server(home)
    file, elsewhere = home / "opportune.db", home / "elsewhere.db"
    async with server.life(None):
        await ask(server, "POST", "/v1/score", {"event": added(1)})
        file.rename(elsewhere)
        await asyncio.sleep(LOOK_EVERY_S)
        refused = await ask(server, "POST", "/v1/score", {"event": added(2)})
        during = await ready(server, 503)
        elsewhere.rename(file)
        after = await ready(server, 200)
        working = await ask(server, "POST", "/v1/score", {"event": added(2)})

    assert (refused.status, refused.json["code"]) == (503, "not_writable")
    assert missing(during) == ["the database, which was removed or replaced: events are refused"]
    assert (missing(after), working.status) == ([], 200)


async def test_a_clock_that_was_ahead_once_is_remarked_until_it_has_caught_up(home):
    server = a_server(home)
    async with server.life(None):
        await ask(server, "POST", "/v1/score", {"event": added(1)})
        before = (await ready(server, 200)).json["remarks"]
    with closing(sqlite3.connect(home / "opportune.db")) as connection:
        connection.execute("UPDATE users SET last_known_at = last_known_at + 7200000000")
        connection.commit()
    server = a_server(home)
    async with server.life(None):
        after = (await ready(server, 200)).json["remarks"]

    assert [each for each in before if "clock" in each] == []
    [remark] = [each for each in after if "clock" in each]
    assert remark.startswith("the clock is ")
    assert "behind what it showed before" in remark


async def test_a_moved_pointer_puts_a_new_model_in_service_while_it_lives(home, monkeypatch):
    monkeypatch.setattr(champions_module, "LOOK_EVERY_S", 0.005)
    server = a_server(home)
    async with server.life(None), asyncio.timeout(20):
        before = (await ask(server, "POST", "/v1/score", {"user_id": "u"})).json["models"]["24h"]
        a_bundle(home / "bundles" / "opportune-intent-24h" / "5")
        pointed = {"24h": {"name": "opportune-intent-24h", "version": "5", "path": "opportune-intent-24h/5"}}
        (home / "bundles" / "champions.json").write_text(json.dumps(pointed))
        while (after := (await ask(server, "POST", "/v1/score", {"user_id": "u"})).json["models"]["24h"]) == before:
            await asyncio.sleep(0.005)

    assert before == {"name": "rule-recency-frequency", "version": "1", "calibrated": False}
    assert after == {"name": "opportune-intent-24h", "version": "5", "calibrated": True}


async def test_a_refused_champion_is_remarked_and_counted_and_the_server_stays_ready(home):
    (home / "bundles").mkdir()
    (home / "bundles" / "champions.json").write_text('{"24h": {"path": "nowhere"}}')
    server = a_server(home)
    async with server.life(None):
        answer = await ask(server, "GET", "/readyz")
        metrics = await ask(server, "GET", "/metrics")

    assert (answer.status, missing(answer)) == (200, [])
    [remark] = answer.json["remarks"]
    assert remark.startswith("the newest champion for 24h was refused: nowhere holds no bundle: ")
    assert remark.endswith("; rule-recency-frequency version 1 stays")
    assert b'opportune_model_refused{horizon="24h"} 1.0' in metrics.body
    assert b'opportune_model_refused{horizon="7d"} 0.0' in metrics.body


async def test_a_challenger_is_told_and_the_server_is_ready_all_the_same(home):
    a_bundle(home / "bundles" / "opportune-intent-24h" / "6")
    pointed = {"challenger-24h": {"path": "opportune-intent-24h/6"}, "challenger-7d": {"path": "nowhere"}}
    (home / "bundles" / "champions.json").write_text(json.dumps(pointed))
    server = a_server(home)
    async with server.life(None):
        scored = (await ask(server, "POST", "/v1/score", {"user_id": "u"})).json
        answer = await ask(server, "GET", "/readyz")
        metrics = await ask(server, "GET", "/metrics")

    assert {each["name"] for each in scored["models"].values()} == {"rule-recency-frequency"}
    assert (answer.status, missing(answer)) == (200, [])
    refused, scores = answer.json["remarks"]
    assert refused.startswith("the challenger for 7d was refused, and scores nothing: nowhere holds no bundle: ")
    assert scores == "opportune-intent-24h/6 scores in shadow for 24h"
    assert b'opportune_challenger{horizon="24h",model="opportune-intent-24h/6"} 1.0' in metrics.body


async def test_the_registry_is_watched_by_a_child_on_the_same_home_that_ends_with_the_server(home, monkeypatch):
    started = []
    create = asyncio.create_subprocess_exec

    async def remember(*command, **options):
        started.append(await create(*command, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    server = a_server(home / "own", watch_registry=True, triggers=home / "triggers.yaml")
    async with server.life(None), asyncio.timeout(60):
        while not (home / "own" / "bundles").exists():
            await asyncio.sleep(0.02)
        running = [each.returncode for each in started]

    assert running == [None]
    assert started[0].returncode is not None


async def test_what_waits_when_it_stops_is_answered_and_its_states_are_written(home):
    server = a_server(home)
    async with server.life(None):
        bodies = [{"batch": [added(f"{n}-{i}", f"u{n}") for i in range(5)]} for n in range(30)]
        waiting = [asyncio.create_task(ask(server, "POST", "/v1/batch", each)) for each in bodies]
        while not server.engine._waiting:
            await asyncio.sleep(0)
    answers = await asyncio.gather(*waiting)
    accepted = sum(answer.status == 200 for answer in answers)
    with a_database(home) as database:
        logged = rows(database, "SELECT count(*) FROM events")
    again = a_server(home)
    async with again.life(None):
        features = [await ask(again, "GET", f"/v1/users/u{n}/features") for n in range(30)]
        rebuilt = again.metrics.rebuilt_states

    assert accepted > 0
    assert {answer.status for answer in answers} <= {200, 503}
    assert logged == [(accepted * 5,)]
    # Who was refused is nobody to the server that comes next.
    assert [cart_items(each) if each.status == 200 else None for each in features] == [
        5 if answer.status == 200 else None for answer in answers
    ]
    assert rebuilt == 0
