"""What was known at a past moment, whoever an id belongs to now."""

import asyncio
from itertools import accumulate

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.state import empty, read
from serving.past import state_at
from tests.serving.engines import SECOND, START, event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
HOUR = 3600


async def asked(shop, user=None, anonymous=None, happened=None, at=None):
    answer = await shop.engine.score([(user, anonymous)], event=happened, at=at)
    return answer.at, answer.scores[0].features


def past(shop, key, at):
    with shop.database.connect() as connection:
        return state_at(connection, key, at)


def items(features):
    return features[CATALOGUE.names.index("cart_items")]


def visit(anonymous, at, **fields):
    return event("Product Added", None, at, **fields, anonymousId=anonymous, **CART)


async def test_every_answer_can_be_read_again_before_and_after_links(shop):
    """Each id as it was answered: by itself until it was linked, as its owner from then on."""
    served = []
    steps = [
        (None, "a", visit("a", 1)),
        ("u", None, event("Product Added", "u", 2, **CART)),
        (None, "b", visit("b", 3)),
        ("u", None, event("", "u", 4, type="identify", anonymousId="a")),
        (None, "a", visit("a", 5)),
        ("w", None, event("", "w", 6, type="alias", previousId="u")),
        (None, "a", visit("a", 7)),
        (None, "b", visit("b", 8)),
        ("w", None, event("Product Added", "w", 3, **CART)),
    ]
    for user, anonymous, happened in steps:
        at, features = await asked(shop, user, anonymous, happened)
        served.append((user or f"anonymous:{anonymous}", at, features))
        for key in ("anonymous:a", "u", "w"):
            ids = (None, "a") if key == "anonymous:a" else (key, None)
            at, features = await asked(shop, *ids)
            served.append((key, at, features))

    assert [items(features) for key, _, features in served if key == "anonymous:a"] == [
        *(1, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 5)
    ]
    for key, at, features in served:
        assert past(shop, key, at).features.tobytes() == features.tobytes()


async def test_between_two_events_the_past_is_the_state_after_the_first_and_goes_on_ageing(shop):
    for number in range(3):
        await shop.engine.ingest([visit("a", number * HOUR)])
    moments = [START + round(hours * HOUR * SECOND) for hours in (0.5, 1.5, 2.5)]
    found = [past(shop, "anonymous:a", at) for at in moments]

    assert [items(each.features) for each in found] == [1, 2, 3]
    assert [each.features[CATALOGUE.names.index("cart_idle_h")] for each in found] == pytest.approx([0.5] * 3)
    assert [each.seq for each in found] == [1, 2, 3]


async def test_before_the_first_event_and_for_strangers_nothing_is_known(shop):
    await shop.engine.ingest([visit("a", 10)])
    at = START + 5 * SECOND
    early, nobody = past(shop, "anonymous:a", at), past(shop, "nobody", at)
    nothing = read(empty(), at)

    assert early.features.tobytes() == nobody.features.tobytes() == nothing.tobytes()
    assert (early.user_no, early.seq) == (1, 0)
    assert (nobody.user_no, nobody.seq) == (None, 0)


async def test_an_id_that_only_ever_was_somebody_elses_is_them_from_the_link_on(shop):
    await shop.engine.ingest(
        [event("Product Added", "u", 1, **CART), event("", "u", 10, type="identify", anonymousId="a")]
    )
    before, after = (past(shop, "anonymous:a", START + at * SECOND) for at in (5, 20))

    assert not before.seq
    assert items(after.features) == 1


async def test_a_past_moment_is_not_written_down_under_an_owner_who_came_later(shop):
    await shop.engine.ingest([visit("a", 1), event("Product Added", "u", 2, **CART)])
    await shop.engine.ingest([event("", "u", 100, type="identify", anonymousId="a")])
    before = await shop.engine.score([(None, "a")], at=START + 50 * SECOND)
    owner = await shop.engine.score([("u", None)], at=START + 50 * SECOND)
    await shop.engine.flush()

    assert before.scores[0].decision_id is None
    assert shop.rows("SELECT decision_id, at FROM evaluations WHERE event_seq IS NULL") == [
        (owner.scores[0].decision_id, START + 50 * SECOND)
    ]


async def test_what_arrived_in_the_same_batch_before_the_question_belongs_to_the_past_it_asks_about(shop):
    """On the replay clock a batch can hold an event, a later one, and a question about the time between them."""
    _, answer, late = await asyncio.gather(
        shop.engine.ingest([visit("a", 10), event("", "u", 20, type="identify", anonymousId="a"), visit("a", 100)]),
        shop.engine.score([(None, "a"), ("u", None)], at=START + 50 * SECOND),
        shop.engine.score([("u", None)], event=event("Product Added", "u", 200, **CART)),
    )
    again = [past(shop, key, START + 50 * SECOND).features for key in ("anonymous:a", "u")]

    assert [items(each.features) for each in answer.scores] == [1, 1]
    assert [each.tobytes() for each in again] == [each.features.tobytes() for each in answer.scores]
    assert items(late.scores[0].features) == 3
    assert shop.rows("SELECT count(*), count(DISTINCT message_id) FROM events") == [(4, 4)]


async def test_late_events_change_the_present_and_not_the_past(shop):
    await shop.engine.ingest([visit("a", 100)])
    at, before = await asked(shop, None, "a", at=START + 200 * SECOND)
    await shop.engine.ingest([visit("a", 50)])

    assert past(shop, "anonymous:a", at).features.tobytes() == before.tobytes()
    assert items((await asked(shop, None, "a"))[1]) == 2


async def test_a_long_past_is_the_same_however_many_events_came_at_once(shop):
    sizes = np.random.default_rng(3).integers(1, 9, 12)
    moments = []
    for end, size in zip(accumulate(sizes.tolist()), sizes.tolist(), strict=True):
        await shop.engine.ingest([visit("a", 1, n=number) for number in range(end - size, end)])
        moments.append((await asked(shop, None, "a"))[0])

    assert [items(past(shop, "anonymous:a", at).features) for at in moments] == np.cumsum(sizes).tolist()
