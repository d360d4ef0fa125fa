"""An order that is told twice counts once: in features, for decisions, and when states are rebuilt."""

import pytest
from msgspec.structs import replace

from features.catalog import CATALOGUE
from features.kinds import Kind
from serving.history_append import append_history
from serving.order_ids import _KNOWN
from serving.rebuild import rebuild
from serving.states import StateKeeper
from tests.serving.engines import SECOND, START, WAYS, event, one_by_one, shop

__all__ = ["shop"]
KINDS = "SELECT kind FROM events ORDER BY seq"
COMPLETED, UPDATED, IDENTIFIED = (Kind.ORDER_COMPLETED,), (Kind.ORDER_UPDATED,), (Kind.IDENTIFIED,)


def order(number, user="u", at=0, **fields):
    """Return an order as its teller would send it, each under a message id of its own."""
    return event("Order Completed", user, at, properties={"order_id": number, "total": 30}, **fields)


@WAYS
@pytest.mark.parametrize("numbers", [("o-1", "o-1"), (17, "17")])
async def test_an_order_that_is_told_twice_is_completed_once(shop, arrive, numbers):
    await arrive(shop, order(numbers[0]), order(numbers[1], at=5))

    assert shop.rows("SELECT kind, name FROM events ORDER BY seq") == [
        (*COMPLETED, "Order Completed"),
        (*UPDATED, "Order Updated"),
    ]
    [score] = (await shop.engine.score([("u", None)])).scores
    assert score.features[CATALOGUE.names.index("orders")] == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (order("o-1"), order("o-2", at=5)),
        (order("o-1"), order("o-1", "w", 5)),
        (event("Order Completed", "u"), event("Order Completed", "u", 5)),
        (order(True), order(True, at=5)),
    ],
    ids=["another order", "an order of somebody else", "orders without an id", "an id that is none"],
)
async def test_what_is_not_the_same_order_counts_as_ever(shop, one, other):
    await one_by_one(shop, one, other)

    assert shop.rows(KINDS) == [COMPLETED, COMPLETED]


@WAYS
async def test_an_order_is_known_under_all_ids_of_a_person_once_they_are_linked(shop, arrive):
    linked = event("", "u", 5, type="identify", anonymousId="a")

    await arrive(shop, order("o-1", None, anonymousId="a"), linked, order("o-1", "u", 9))

    assert shop.rows(KINDS) == [COMPLETED, IDENTIFIED, UPDATED]


async def test_an_imported_order_that_came_live_is_not_completed_again(shop):
    await one_by_one(shop, order("o-1"))

    # A staged event is kept as text.
    rows = [order(each, at=at, messageId=f"row-{each}") for at, each in ((-60, "o-1"), (-50, "o-3"))]
    staged = [replace(each, payload={}) for each in rows]
    await shop.engine.write(lambda c: append_history(c, staged, origin="import", received_at=START + 9 * SECOND))

    assert shop.rows(KINDS) == [COMPLETED, UPDATED, COMPLETED]


async def test_it_counts_once_for_a_decision(shop):
    await one_by_one(shop, event("Product Added", "u"), order("o-1", at=60), order("o-1", at=90))

    assert len(shop.rows("SELECT 1 FROM decisions")) == 1
    assert len(shop.rows("SELECT 1 FROM outcomes WHERE kind = 'order'")) == 1


async def test_states_rebuilt_from_the_log_are_what_they_were(shop):
    await one_by_one(shop, order("o-1"), order("o-1", at=5), order("o-2", at=9))
    before = await shop.stored(["u"])
    with shop.database.connect() as connection:
        assert rebuild(connection, StateKeeper(shop.online)) == 1

    assert shop.online.read(["u"]) == before


def test_an_order_is_looked_up_by_its_index(shop):
    plan = [row[3] for row in shop.rows(f"EXPLAIN QUERY PLAN {_KNOWN}", '["o-1"]')]

    assert any("USING INDEX orders_by_id" in each for each in plan)
