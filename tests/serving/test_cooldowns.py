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


@pytest.mark.parametrize("at_once", [True, False])
def test_cool_downs_are_read_at_once_or_when_somebody_looks(database, at_once):
    with database.begin() as connection:
        found = Cooldowns(connection)
        remember(connection, [(1, "cart", NOW)])
        found.prepare({1, 2}, set(), at_once=at_once)
        remember(connection, [(1, "cart", NOW + 1)])

        assert [dict(found.of(1)), dict(found.of(2))] == [{"cart": NOW if at_once else NOW + 1}, {}]


def test_what_fires_and_who_is_linked_shows_at_once_and_is_written(database):
    with database.begin() as connection:
        remember(connection, [(1, "cart", NOW - 9), (2, "cart", NOW - 5)])
        found = Cooldowns(connection)
        found.prepare({1, 2}, set(), at_once=False)
        mine = found.of(1)
        found.join(1, 2)
        found.fire(1, "order", NOW)

        assert dict(mine) == {"cart": NOW - 5, "order": NOW}
        found.save()
        assert last_fired(connection, [1]) == {1: dict(mine)}
