"""When somebody last ordered."""

import pytest

from serving import orders
from tests.serving.engines import SECOND, START, event, shop

__all__ = ["shop"]


def ordered(user, at, **fields):
    return event("Order Completed", user, at, properties={"order_id": f"o{at}", "total": 1}, **fields)


@pytest.mark.parametrize(("after", "found"), [(0, 4), (3, 4), (4, None), (9, None)])
async def test_the_last_order_of_all_ids_is_found_along_the_chain(shop, after, found):
    await shop.engine.ingest([ordered("u", 1), ordered(None, 4, anonymousId="a"), event("Product Viewed", "u", 5)])
    await shop.engine.ingest([event("", "u", 6, type="identify", anonymousId="a"), ordered("w", 7)])
    with shop.database.connect() as connection:
        last = orders.last(connection, [1], after=START + after * SECOND)

    assert last == ({} if found is None else {1: START + found * SECOND})
