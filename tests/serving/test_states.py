"""The state of each person of a batch is the one that the log says they have."""

import numpy as np
import pytest

from features.state import empty, pack, position, unpack
from serving.people import People
from serving.states import StateKeeper
from tests.serving.engines import event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
KEYS = ["u", "w", "x"]


class Unreachable:
    """A store that is not there."""

    def read(self, keys):
        raise ConnectionError("nobody answers")

    def write(self, rows):
        raise ConnectionError("nobody answers")


@pytest.fixture
async def busy(shop):
    """A shop with three people of one, two and three events."""
    for number, key in enumerate(KEYS, 1):
        await shop.engine.ingest([event("Product Added", key, number * 10 + i, **CART) for i in range(number)])
    await shop.engine.flush()
    return shop


def load(shop, keeper, keys, spare=0):
    with shop.database.connect() as connection:
        people = People(connection)
        people.find(keys)
        found = [people.obtain(key) for key in keys]
        return found, keeper.load(connection, found, spare=spare)


async def test_stored_states_are_taken_as_they_are_and_each_person_knows_their_row(busy):
    people, states = load(busy, keeper := StateKeeper(busy.online), KEYS)

    assert [pack(states[each.slot]) for each in people] == busy.online.read(KEYS)
    assert [position(states[each.slot]) for each in people] == [each.last_seq for each in people] == [1, 3, 6]
    assert keeper.rebuilt == 0


async def test_new_people_and_spare_rows_start_as_nobody(busy):
    people, states = load(busy, StateKeeper(busy.online), ["new", "u"], spare=2)

    assert len(states) == 4
    assert [people[0].slot, people[1].slot] == [0, 1]
    for row in (0, 2, 3):
        np.testing.assert_array_equal(states[row], empty())


async def test_only_what_does_not_match_the_log_is_rebuilt(busy):
    before = busy.online.read(KEYS)
    busy.online.write([("w", before[2], 1_900_000_000_000_000)])
    people, states = load(busy, keeper := StateKeeper(busy.online), KEYS)

    assert [pack(states[each.slot]) for each in people] == before
    assert keeper.rebuilt == 1


async def test_a_store_that_is_not_there_is_one_that_lost_everything(busy, caplog):
    people, states = load(busy, keeper := StateKeeper(Unreachable()), KEYS)

    assert [pack(states[each.slot]) for each in people] == busy.online.read(KEYS)
    assert keeper.rebuilt == 3
    assert "nobody answers" in caplog.text


async def test_what_is_saved_is_what_is_loaded_next_and_stored_once_written(busy):
    keeper = StateKeeper(busy.online)
    people, states = load(busy, keeper, KEYS)
    busy.online.write([(key, b"", 1_900_000_000_000_000) for key in KEYS])
    for each in people:
        each.last_known_at = 1_900_000_000_000_001
    keeper.save(people, states)

    assert keeper.unwritten == 3
    np.testing.assert_array_equal(load(busy, keeper, KEYS)[1], states)
    assert busy.online.read(KEYS) == [b""] * 3

    keeper.write()

    assert keeper.unwritten == 0
    assert [position(unpack(each)) for each in busy.online.read(KEYS)] == [1, 3, 6]


async def test_what_the_store_does_not_take_is_rebuilt_when_next_read(busy):
    people, states = load(busy, keeper := StateKeeper(Unreachable()), KEYS)
    keeper.save(people, states)
    with pytest.raises(ConnectionError):
        keeper.write()

    # One is kept, to try again with.
    assert keeper.unwritten == 1
    np.testing.assert_array_equal(load(busy, keeper, KEYS)[1], states)
    assert keeper.rebuilt == 6 - 1
