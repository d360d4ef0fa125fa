"""What conditions see of a person: not what machines did in their place."""

import asyncio

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.kinds import Kind
from serving.people import People
from serving.views import PersonView
from tests.serving.engines import SECOND, START, event, shops

__all__ = ["shops"]
POLICY = """
format: 1
triggers:
  - name: thanks
    on: Email Link Clicked
    horizon: 24h
    threshold: 0%
    cool_down: 1d
    hold_out: {share: 0, salt: test}
    mode: live
  - name: reminder
    on: Product Added
    after: 1h
    cancel_on: [Email Opened]
    horizon: 24h
    threshold: 0%
    cool_down: 1d
    hold_out: {share: 0, salt: test}
    mode: live
"""


@pytest.fixture
def shop(shops):
    return shops(POLICY)


def take(shop, *events):
    async def run():
        for each in events:
            await shop.engine.ingest([each])
        await shop.engine.flush()

    asyncio.run(run())


def seen(shop, kind):
    with shop.database.connect() as connection:
        people = People(connection)
        people.find(["u-1"])
        at = START + 1000 * SECOND
        view = PersonView(connection, people.get("u-1"), np.zeros(CATALOGUE.n_features), {}, at=at, timezone=None)
        return len(view.recent(int(kind), START - SECOND)), len(view.everything(START - SECOND))


def opened_at(at, **properties):
    return event("Email Opened", "u-1", at, properties=properties)


def test_what_a_machine_did_is_in_the_log_and_no_condition_sees_it(shop):
    scanner = event("Email Link Clicked", "u-1", 3, userAgent="Barracuda Sentinel", properties={"url": "a"})
    take(shop, opened_at(1), opened_at(2, sg_machine_open=True), scanner, opened_at(4, machine=False))

    assert seen(shop, Kind.EMAIL_OPENED) == (2, 2)
    assert seen(shop, Kind.EMAIL_CLICKED)[0] == 0
    assert shop.rows("SELECT count(*) FROM events") == [(4,)]


def test_however_it_was_found_out_the_log_says_it_in_one_way(shop):
    take(shop, opened_at(1, sg_machine_open=True), event("Email Opened", "u-1", 2, userAgent="Mozilla/5.0"))

    found = shop.rows("SELECT json_extract(payload, '$.properties.machine') FROM events")
    assert found == [(1,), (1,)]


def test_no_trigger_reacts_to_what_a_machine_did(shop):
    take(
        shop,
        event("Email Link Clicked", "u-1", 1, properties={"machine": True}),
        event("Email Link Clicked", "u-2", 2, properties={}),
    )

    assert shop.rows("SELECT u.user_key, d.trigger FROM decisions d JOIN users u USING (user_no)") == [
        ("u-2", "thanks")
    ]


def test_what_waits_is_cancelled_by_people_only(shop):
    added = [event("Product Added", user, 0, properties={"product_id": "p"}) for user in ("u-1", "u-2")]
    opened = event("Email Opened", "u-2", 5, properties={"machine": False})

    take(shop, *added, opened_at(5, machine=True), opened)

    assert shop.rows("SELECT u.user_key FROM timers t JOIN users u USING (user_no)") == [("u-1",)]
