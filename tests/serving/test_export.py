"""What is stored about a person is handed out whole, and nothing of anybody else."""

import json

from serving.export import export, look_up
from serving.schema import metadata
from tests.serving.engines import CATALOGUE, shop
from tests.serving.test_erasure import PERSONS, live

__all__ = ["shop"]


def exported(shop, key):
    found, _, rejects = look_up(shop.database, key)
    return json.loads(b"".join(export(shop.database, found, rejects, {"user_id": key})))["tables"]


async def test_every_row_that_an_erasure_would_remove_is_handed_out(shop):
    await live(shop)
    await shop.engine.flush()
    tables = exported(shop, "ann-17")

    removed = (await shop.engine.erase("ann-17")).rows

    assert {name: len(rows) for name, rows in tables.items() if rows} == removed
    assert {"users", "events", "evaluations", "decisions", "outbox", "rejects"} <= removed.keys()
    assert tables.keys() <= set(metadata.tables)


async def test_any_id_of_a_person_gives_the_same(shop):
    await live(shop)
    await shop.engine.flush()

    assert len({json.dumps(exported(shop, key)) for key in PERSONS}) == 1


async def test_it_can_be_read_by_whom_it_is_about(shop):
    await live(shop)
    await shop.engine.flush()
    tables = exported(shop, "ann-17")

    order = next(each for each in tables["events"] if each["kind"] == "Order Completed")
    assert order["occurred_at"] == "2023-11-14T22:13:27.000000Z"
    assert (order["record"]["amount"], order["record"]["utc_offset_s"]) == (20.0, None)
    assert order["payload"]["properties"] == {"order_id": "o", "total": 20}
    assert tables["evaluations"][0]["features"].keys() == set(CATALOGUE.names)
    assert tables["outbox"][0]["body"]["type"] == "trigger.fired"


async def test_nothing_of_anybody_else_is_in_it(shop):
    await live(shop)

    text = json.dumps(exported(shop, "ann-17"))

    assert not [other for other in ('"bob"', '"carl"', "ann-170") if other in text]
