"""The suppression list."""

import pytest

from serving import suppressions
from serving.people import People
from serving.suppressions import ADDRESS, USER, Found, Suppression
from tests.serving.databases import a_database


@pytest.fixture
def connection(tmp_path):
    with a_database(tmp_path) as database, database.begin() as opened:
        people = People(opened)
        people.find(["u", "w", "x"])
        for key in ("u", "w", "x"):
            people.obtain(key).changed = True
        people.merge(people.obtain("u"), people.obtain("w"))
        people.save()
        yield opened


def an_entry(kind=USER, subject="u", channel="email", reason="manual", at=1):
    return Suppression(kind, subject, channel, reason, at)


def test_what_stands_against_a_user_is_found_under_all_ids_and_addresses(connection):
    suppressions.own(connection, [(1, "a@b.c"), (1, "a@b.c"), (3, "x@y.z")])
    entries = [an_entry(), an_entry(subject="w", channel="sms"), an_entry(ADDRESS, "a@b.c", "*", "bounced")]
    suppressions.add(connection, entries)

    assert sorted(suppressions.found_for(connection, {1: "u", 3: "x"}), key=str) == sorted(
        [
            Found(1, "a@b.c", "*", "bounced"),
            Found(1, None, "email", "manual"),
            Found(1, None, "sms", "manual"),
            Found(3, "x@y.z", None, None),
        ],
        key=str,
    )
    assert suppressions.of_addresses(connection, ["a@b.c", "x@y.z"]) == [("a@b.c", "*", "bounced")]


def test_who_is_asked_about_comes_first_and_not_the_whole_list(connection):
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {suppressions._READ}", ('{"1": "u"}',)).all()

    read = [row[3] for row in plan if " s " in row[3]]
    assert len(read) == 3
    assert all("(kind=? AND subject=?)" in each for each in read)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("unsubscribed", "complained", "complained"),
        ("complained", "unsubscribed", "complained"),
        ("bounced", "complained", "complained"),
        ("bounced", "manual", "manual"),
        ("bounced", "unsubscribed", "bounced"),
        ("complained", "bounced", "complained"),
        ("manual", "complained", "manual"),
    ],
)
def test_the_gravest_reason_stays(connection, first, second, kept):
    for reason in (first, second):
        suppressions.add(connection, [an_entry(reason=reason)])

    assert [each.reason for each in suppressions.page(connection, after=("", "", ""), limit=9)] == [kept]


def test_the_list_goes_on_after_any_entry(connection):
    entries = [
        an_entry(ADDRESS, "a@b.c"),
        an_entry(ADDRESS, "a@b.c", "sms"),
        an_entry(subject="u"),
        an_entry(subject="w"),
    ]
    suppressions.add(connection, reversed(entries))

    assert suppressions.page(connection, after=("", "", ""), limit=3) == entries[:3]
    assert suppressions.page(connection, after=entries[1][:3], limit=3) == entries[2:]


def test_an_entry_is_taken_away_once(connection):
    suppressions.add(connection, [an_entry()])

    assert suppressions.remove(connection, USER, "u", "email")
    assert not suppressions.remove(connection, USER, "u", "email")
