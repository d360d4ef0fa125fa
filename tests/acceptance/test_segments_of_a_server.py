"""Segments of a whole server: imported people are found in them, and who enters and leaves is told by webhook."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from serving.clock import wall
from serving.history_import import import_history
from serving.mapping_file import read_mapping
from tests.serving.asking import reply
from tests.serving.receivers import receiving
from tests.serving.servers import a_server

POLICY = """
segments:
  - name: buyers
    notify: default
    when:
      count: {event: Order Completed, within: 30d, at_least: 1}
  - name: just-here
    notify: default
    when:
      count: {event: Page Viewed, within: 1 s, at_least: 1}
triggers: []
"""


def order(user, days_ago):
    at = datetime.now(UTC) - timedelta(days=days_ago)
    sent = {"type": "track", "event": "Order Completed", "userId": user, "timestamp": at.isoformat()}
    return json.dumps({**sent, "messageId": f"{user}-{days_ago}", "properties": {"order_id": f"{user}-{days_ago}"}})


def import_orders(server, home, *orders):
    file = home / "orders.jsonl"
    file.write_text("".join(f"{each}\n" for each in orders))
    import_history(file, database=server.database, home=home, mapping=read_mapping(), received_at=wall())


async def buyers(edge, count):
    """Return who is in the segment once there are so many."""
    async with asyncio.timeout(20):
        while True:
            found = (await reply(edge, "GET", "/v1/segments/buyers/users", {}, [b""])).json["users"]
            if len(found) == count:
                return [each["user_id"] for each in found]
            await asyncio.sleep(0.05)


async def test_who_is_imported_is_found_and_who_enters_and_leaves_is_told(tmp_path):
    (tmp_path / "triggers.yaml").write_text(POLICY)
    async with receiving() as receiver:
        server = a_server(tmp_path, webhook_url=receiver.url)
        edge = server.edge()
        import_orders(server, tmp_path, order("ada", 3), order("ben", 40))
        async with server.life(None):
            assert await buyers(edge, 1) == ["ada"]
            import_orders(server, tmp_path, order("cyd", 5))
            assert await buyers(edge, 2) == ["ada", "cyd"]
            sent = {"event": "Page Viewed", "type": "page", "userId": "ada", "messageId": "p-1"}
            await reply(edge, "POST", "/v1/batch", {}, [json.dumps({"batch": [sent]}).encode()])
            await receiver.number(2)

    told = [(each["type"], each["data"]["segment"], each["data"]["cause"]) for each in receiver.bodies]
    assert told == [("segment.entered", "just-here", "event"), ("segment.left", "just-here", "time")]
