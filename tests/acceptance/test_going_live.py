"""From a history to messages, step by step: whoever waits already is enrolled, test users first, then everybody."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from serving import policy_watch
from serving.clock import wall
from serving.history_import import import_history
from serving.mapping_file import read_mapping
from tests.serving.asking import reply
from tests.serving.databases import rows
from tests.serving.receivers import receiving
from tests.serving.servers import a_server

EVENTS = "exclude: {test: {ids: ['test-*']}}\n"
ABANDONED = """
triggers:
  - name: abandoned
    on: Product Added
    after: 1 h
    cancel_on: Order Completed
    enrol: existing
    enrol_per_hour: 36000
    threshold: 0
    cool_down: 1d
    hold_out: 0
    mode: %s
"""
AT_ONCE = "  - {name: at-once, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: %s}\n"
DECIDED = "SELECT user_key, action, reason FROM decisions JOIN users USING (user_no) ORDER BY user_key, at"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where a server lives whose policy has no trigger yet; its files are looked at often."""
    monkeypatch.setattr(policy_watch, "LOOK_EVERY_S", 0.01)
    (tmp_path / "triggers.yaml").write_text("triggers: []\n")
    (tmp_path / "events.yaml").write_text(EVENTS)
    return tmp_path


def import_carts(server, home, users):
    """Import a cart of each user, filled ninety minutes ago; those of `bought` ordered since."""
    now = datetime.now(UTC)
    events = [("Product Added", user, now - timedelta(minutes=90)) for user in users]
    events += [("Order Completed", user, now - timedelta(minutes=80)) for user in users if user.startswith("bought")]
    lines = [{"event": name, "userId": user, "timestamp": at.isoformat()} for name, user, at in events]
    (home / "history.jsonl").write_text("".join(json.dumps({"type": "track", **each}) + "\n" for each in lines))
    mapping = read_mapping(home / "events.yaml")
    import_history(home / "history.jsonl", database=server.database, home=home, mapping=mapping, received_at=wall())


async def decisions(server, number):
    async with asyncio.timeout(20):
        while len(found := rows(server.database, DECIDED)) < number:
            await asyncio.sleep(0.01)
    return found


def fired(receiver):
    return sorted(each["data"]["user_id"] for each in receiver.bodies)


async def test_a_history_enrols_whoever_waits_and_they_are_decided_about_without_any_further_event(home):
    async with receiving() as receiver:
        server = a_server(home, events=home / "events.yaml", webhook_url=receiver.url)
        import_carts(server, home, ["bought-1", "test-1", "u-1", "u-2"])
        async with server.life(None):
            (home / "triggers.yaml").write_text(ABANDONED % "live")
            found = await decisions(server, 2)
            await receiver.number(2)

    assert found == [("u-1", "send", "sent"), ("u-2", "send", "sent")]
    assert fired(receiver) == ["u-1", "u-2"]


async def test_test_users_get_the_message_and_everybody_else_is_rehearsed(home):
    async with receiving() as receiver:
        server = a_server(home, events=home / "events.yaml", webhook_url=receiver.url)
        import_carts(server, home, ["bought-1", "test-1", "u-1"])
        async with server.life(None):
            (home / "triggers.yaml").write_text(ABANDONED % "test_profiles")
            found = await decisions(server, 2)
            await receiver.number(1)

    assert found == [("test-1", "send", "sent"), ("u-1", "hold", "dry_run")]
    assert fired(receiver) == ["test-1"]


async def test_what_was_rehearsed_holds_nothing_back_once_it_is_live(home):
    async with receiving() as receiver:
        (home / "triggers.yaml").write_text("triggers:\n" + AT_ONCE % "test_profiles")
        server = a_server(home, events=home / "events.yaml", webhook_url=receiver.url)
        async with server.life(None):
            await _add_to_cart(server, "u-1", "m-1")
            await _add_to_cart(server, "test-1", "m-2")
            await receiver.number(1)
            (home / "triggers.yaml").write_text("triggers:\n" + AT_ONCE % "live")
            await server.policies.reload()
            await _add_to_cart(server, "u-1", "m-3")
            await _add_to_cart(server, "test-1", "m-4")
            await receiver.number(2)
            found = rows(server.database, DECIDED)

    assert found == [
        ("test-1", "send", "sent"),
        ("test-1", "hold", "excluded_user"),
        ("u-1", "hold", "dry_run"),
        ("u-1", "send", "sent"),
    ]
    assert fired(receiver) == ["test-1", "u-1"]


async def _add_to_cart(server, user, message):
    body = {"type": "track", "event": "Product Added", "userId": user, "messageId": message, "properties": {}}
    answer = await reply(server.edge(), "POST", "/v1/track", {"host": "127.0.0.1"}, [json.dumps(body).encode()])
    assert answer.status == 200
