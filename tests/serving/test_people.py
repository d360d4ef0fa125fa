"""Whose an id is, and stays."""

import pytest

from serving.people import People, keys_of
from tests.serving.databases import connection

__all__ = ["connection"]


def people_of(connection, *keys):
    people = People(connection)
    people.find(keys)
    return people


def met(connection, *keys):
    """Make people of these keys, in this order."""
    people = people_of(connection, *keys)
    for position, key in enumerate(keys, 1):
        person = people.obtain(key)
        person.last_seq, person.last_known_at, person.changed = position, position * 10, True
    people.save()


def linked(connection, key, other):
    """Make `other` one more id of whoever `key` is, in a batch of its own."""
    people = people_of(connection, key, other)
    people.merge(people.obtain(key), people.obtain(other))
    people.save()


def owners(connection, *keys):
    people = people_of(connection, *keys)
    return [people.get(key).key for key in keys]


def test_somebody_new_is_nobody_until_made_and_known_after_the_batch(connection):
    people = people_of(connection, "u")
    before = people.get("u")
    person = people.obtain("u")
    person.last_seq, person.last_known_at, person.timezone, person.changed = 7, 70, "Europe/Berlin", True
    people.save()
    found = people_of(connection, "u").get("u")

    assert before is None
    assert (found.no, found.key, found.unit, found.last_seq, found.last_known_at, found.timezone) == (
        person.no,
        "u",
        "u",
        7,
        70,
        "Europe/Berlin",
    )


def test_nothing_is_written_of_people_who_were_only_looked_up(connection):
    met(connection, "u")
    people = people_of(connection, "u", "stranger")
    people.get("u").last_seq = 99
    people.save()

    assert [tuple(row) for row in connection.exec_driver_sql("SELECT user_key, last_seq FROM users")] == [("u", 1)]


def test_all_ids_of_a_person_give_the_same_object_however_they_are_found(connection):
    met(connection, "u", "anonymous:a")
    linked(connection, "u", "anonymous:a")
    together = people_of(connection, "u", "anonymous:a")
    apart = People(connection)
    apart.find(["anonymous:a"])
    apart.find(["u", "anonymous:a"])

    assert together.get("u") is together.get("anonymous:a")
    assert apart.get("u") is apart.get("anonymous:a")
    assert [len(each.known()) for each in (together, apart)] == [1, 1]


def test_a_chain_of_links_ends_at_one_person(connection):
    met(connection, "a", "b", "c", "d")
    linked(connection, "b", "a")
    linked(connection, "c", "b")
    linked(connection, "d", "c")

    assert owners(connection, "a", "b", "c", "d") == ["d"] * 4


def test_a_chain_of_links_within_one_batch_ends_at_one_person_too(connection):
    people = people_of(connection, "a", "b", "c")
    a, b, c = (people.obtain(key) for key in "abc")
    people.merge(b, a)
    people.merge(c, b)
    people.save()

    assert people.get("a") is people.get("b") is people.get("c") is c
    assert owners(connection, "a", "b", "c") == ["c"] * 3


def test_what_is_saved_twice_is_saved_as_it_is_at_last(connection):
    met(connection, "a", "b")
    people = people_of(connection, "a", "b", "c")
    people.merge(people.get("b"), people.get("a"))
    people.save()
    people.merge(people.obtain("c"), people.get("b"))
    people.get("c").last_seq = 9
    people.save()

    assert owners(connection, "a", "b", "c") == ["c"] * 3
    assert people_of(connection, "c").get("c").last_seq == 9


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_unit_is_that_of_the_earliest_of_all_ids(connection, in_one_batch):
    met(connection, "first", "second", "third")
    if in_one_batch:
        people = people_of(connection, "first", "second", "third")
        people.merge(people.get("third"), people.get("first"))
        people.merge(people.get("third"), people.get("second"))
        people.save()
    else:
        linked(connection, "third", "first")
        linked(connection, "third", "second")

    assert people_of(connection, "second").get("second").unit == "first"


def test_whoever_links_keeps_their_zone_and_inherits_what_they_lack(connection):
    met(connection, "u", "a", "b")
    people = people_of(connection, "u", "a", "b")
    people.get("u").timezone, people.get("u").changed = "Europe/Berlin", True
    people.get("a").timezone, people.get("a").excluded = "Asia/Tokyo", "staff"
    people.merge(people.get("u"), people.get("a"))
    people.merge(people.get("u"), people.get("b"))
    people.save()
    found = people_of(connection, "u").get("u")

    assert (found.timezone, found.excluded) == ("Europe/Berlin", "staff")


def test_the_later_of_two_cool_downs_follows_the_link(connection):
    met(connection, "u", "a")
    u, a = (people_of(connection, key).get(key).no for key in "ua")
    for number, trigger, at in ((u, "both", 5), (a, "both", 8), (u, "own", 3), (a, "theirs", 4)):
        connection.exec_driver_sql("INSERT INTO cooldowns VALUES (?, '', ?, ?)", (number, trigger, at))
    linked(connection, "u", "a")
    found = connection.exec_driver_sql("SELECT trigger, fired_at FROM cooldowns WHERE user_no = ? ORDER BY 1", (u,))

    assert found.all() == [("both", 8), ("own", 3), ("theirs", 4)]


def test_every_id_of_an_event_is_a_key_the_events_own_first():
    assert keys_of("u", "a", None) == ["u", "anonymous:a"]
    assert keys_of(None, "a", None) == ["anonymous:a"]
    assert keys_of("u", None, "p") == ["u", "anonymous:p", "p"]
