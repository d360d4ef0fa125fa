"""An event comes in, a trigger fires, the message arrives signed, the order that follows is its outcome."""

import asyncio

import pytest

from features.normalise import normalise
from serving.clock import wall
from serving.mapping_file import read_mapping
from tests.serving.databases import rows
from tests.serving.receivers import receiving
from tests.serving.servers import a_server

TRIGGERS = """
triggers:
  - {name: warm-cart, on: Product Added, threshold: 0, cool_down: 1h, hold_out: 50%, mode: live}
  - {name: rehearsal, on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: dry_run}
"""
COUNTS = "SELECT action, reason, count(*) FROM decisions WHERE trigger = 'warm-cart' GROUP BY 1, 2"
OUTCOMES = (
    "SELECT d.action, count(*), min(o.value) FROM outcomes o"
    " JOIN decisions d USING (trigger_decision_id) GROUP BY 1 ORDER BY 1"
)
USERS = [f"user-{number}" for number in range(40)]


@pytest.fixture
def mapping():
    return read_mapping()


def an_event(mapping, name, number, **ids):
    message = {"type": "track", "event": name, "messageId": f"{name}-{number}-{ids}", "properties": {"revenue": 20}}
    return normalise(message | ids, received_at=wall(), mapping=mapping)


async def tell(engine, mapping):
    """Two events of each anonymous visitor, the link to a user, one more event, and an order, sent twice."""
    for number in range(2):
        added = [an_event(mapping, "Product Added", number, anonymousId=user) for user in USERS]
        await asyncio.gather(*(engine.ingest([each]) for each in added))
    links = [{"type": "identify", "anonymousId": user, "userId": f"known-{user}"} for user in USERS]
    await engine.ingest([normalise(each, received_at=wall(), mapping=mapping) for each in links])
    await engine.ingest([an_event(mapping, "Product Added", 2, userId=f"known-{user}") for user in USERS])
    for _ in range(2):
        await engine.ingest([an_event(mapping, "Order Completed", 3, userId=f"known-{user}") for user in USERS])


async def test_from_event_to_message_to_outcome(tmp_path, mapping):
    (tmp_path / "triggers.yaml").write_text(TRIGGERS, encoding="utf-8")
    async with receiving() as receiver:
        server = a_server(tmp_path, webhook_url=receiver.url)
        async with server.life(None):
            await tell(server.engine, mapping)
            decided = rows(server.database, COUNTS)
            counts = {(action, reason): number for action, reason, number in decided}
            sent, control = counts["send", "sent"], counts["control", "control"]
            await receiver.number(sent)
            rehearsed = rows(server.database, "SELECT DISTINCT reason FROM decisions WHERE trigger = 'rehearsal'")
            outcomes = rows(server.database, OUTCOMES)

    # One firing for each person: the second event, and the one after the ids were linked, fall into the cool-down.
    assert (sent + control, counts["hold", "cooling_down"]) == (len(USERS), 2 * len(USERS))
    assert min(sent, control) > 0
    assert rehearsed == [("dry_run",)]
    assert len(set(receiver.ids)) == len(receiver.ids) == sent
    assert {body["data"]["trigger"] for body in receiver.bodies} == {"warm-cart"}
    # Each order is an outcome of the one decision of its person, sent or withheld, made under another id.
    assert outcomes == [("control", control, 20.0), ("send", sent, 20.0)]
