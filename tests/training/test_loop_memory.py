import json

import numpy as np

from features.fold import EVENT, UNLINKED, LogArrays, fold, read_rows
from features.moments import SECOND_US
from features.normalise import normalise
from serving.mapping_file import read_mapping
from training.loop_memory import Memory, records_of
from training.loop_shop import LoopShop
from training.world import World
from training.world_days import midnights, together
from training.world_lines import Lines

WORLD = World(600, seed=4, late=0.0, duplicates=0.0)


def days_of(shop, memory=None, days=3):
    """Live through days in which everybody reachable is written to; return what happened."""
    found = []
    for _ in range(days):
        did, idle = shop.come()
        followed = shop.write(idle.user[idle.reachable], idle.at[idle.reachable])
        found.append(together([did, followed]))
        if memory is not None:
            memory.hear(found[-1])
        shop.night()
    return found


def test_what_happened_is_recorded_as_the_edge_records_the_lines_of_it():
    shop, mapping = LoopShop(WORLD), read_mapping()
    day = days_of(shop, days=1)[0]
    lines = [json.loads(each) for each in Lines(WORLD, shop.people).of_day(day, shop.now)]
    sent = [each for each in lines if each["type"] == "track"]
    expected = [
        np.frombuffer(
            normalise(each, received_at=1_800_000_000_000_000, mapping=mapping, history=True).record, dtype="<f8"
        )
        for each in sent
    ]

    offset_s = 1_767_571_200 - midnights(WORLD, shop.people, 0) / SECOND_US
    products = Memory.of_nothing(WORLD, shop.people).products
    found = records_of(day, offset_s[day.user], products)

    # Lines tell moments to the millisecond and amounts to the cent.
    assert len(sent) == len(day) > 100
    np.testing.assert_allclose(found[:, 0], np.array(expected)[:, 0], atol=1000)
    np.testing.assert_allclose(found[:, 1:], np.array(expected)[:, 1:], atol=1e-9)


def test_folding_day_by_day_comes_to_the_same_as_folding_all_at_once():
    shop = LoopShop(WORLD)
    memory = Memory.of_nothing(WORLD, shop.people)
    happened = together(days_of(shop, memory))
    user = np.unique(happened.user)
    at = midnights(WORLD, shop.people, 6)[user]

    whole = happened.take(np.lexsort((happened.at, happened.user)))
    offset_s = 1_767_571_200 - midnights(WORLD, shop.people, 0) / SECOND_US
    records = records_of(whole, offset_s[whole.user], memory.products)
    n = len(whole)
    log = LogArrays(whole.user, whole.at, 1 + np.arange(n), records, np.full(n, UNLINKED), np.full(n, EVENT))
    ends = np.append(np.flatnonzero(np.diff(whole.user)), n - 1)

    np.testing.assert_allclose(memory.known(user, at, 6), read_rows(fold(log, ends), at), rtol=1e-9)


def test_a_shop_that_is_forked_goes_on_alike_with_the_same_draws():
    shop = LoopShop(WORLD)
    days_of(shop)

    one, other = (days_of(shop.fork(77), days=2) for _ in range(2))

    assert all((a.at == b.at).all() for a, b in zip(one, other, strict=True))
    assert shop.next_day == 3
