"""When triggers last fired."""

from serving.cooldowns import last_fired, remember
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
