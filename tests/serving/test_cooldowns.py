"""When triggers last fired."""

import pytest

from serving.cooldowns import Cooldowns, last_fired, remember
from tests.serving.databases import NOW, database

__all__ = ["database"]


def test_the_latest_firing_of_each_trigger_stays(database):
    with database.begin() as connection:
        remember(connection, [(1, "cart", NOW), (1, "order", NOW - 9), (2, "cart", NOW - 1)])
        remember(connection, [(1, "cart", NOW - 5), (2, "cart", NOW + 5)])
        remember(connection, [])

        found = last_fired(connection, [1, 2, 3])
    assert found == {1: {"cart": NOW, "order": NOW - 9}, 2: {"cart": NOW + 5}}


def test_nobody_asked_nothing_found(database):
    with database.connect() as connection:
        assert last_fired(connection, []) == {}


@pytest.mark.parametrize("is_linked", [True, False])
def test_of_whoever_is_linked_it_is_as_it_was_before_the_table_changed(database, is_linked):
    with database.begin() as connection:
        found = Cooldowns(connection)
        remember(connection, [(1, "cart/mug", NOW)])
        found.prepare({1, 2} if is_linked else ())
        remember(connection, [(1, "cart/mug", NOW + 1), (2, "cart/mug", NOW + 1)])

        asked = [(1, "cart/mug"), (2, "cart/mug"), (1, "cart"), (1, "cart/cup")]
        seen = [found.of(number).get(name) for number, name in asked]
        assert seen == [*([NOW, None] if is_linked else [NOW + 1, NOW + 1]), None, None]


def test_what_fires_and_who_is_linked_shows_at_once_and_is_written(database):
    with database.begin() as connection:
        remember(connection, [(1, "cart", NOW - 9), (2, "cart", NOW - 5)])
        found = Cooldowns(connection)
        found.prepare({1, 2})
        mine = found.of(1)
        found.join(1, 2)
        found.fire(1, "order", NOW)

        assert [mine.get("cart"), mine.get("order")] == [NOW - 5, NOW]
        found.save()
        assert last_fired(connection, [1]) == {1: {"cart": NOW - 5, "order": NOW}}
