"""Statements straight to the driver."""

import json
import sqlite3

import pytest

from serving.driver import AT_ONCE, Insert, listed


@pytest.fixture
def direct():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE notes (no INTEGER UNIQUE, name TEXT, why TEXT, at INTEGER)")
    yield connection
    connection.close()


def test_rows_are_written_in_order_whether_their_last_columns_are_empty_or_not(direct):
    rows = [(1, "a", None, None), (2, "b", "so", None), (3, None, None, 5), (4, "d", None, None)]

    Insert("notes", ("no", "name", "why", "at"), seldom=2).write(direct, rows)

    assert direct.execute("SELECT * FROM notes ORDER BY rowid").fetchall() == rows


def test_more_rows_than_one_statement_takes_are_written_in_order_too(direct):
    rows = [(each, f"n{each}", "so" if each == AT_ONCE + 3 else None) for each in range(2 * AT_ONCE + 7)]

    Insert("notes", ("no", "name", "why"), seldom=1).write(direct, rows)

    assert direct.execute("SELECT no, name, why FROM notes ORDER BY rowid").fetchall() == rows


def test_of_many_rows_those_that_are_there_stay(direct):
    kept = Insert("notes", ("no", "name", "why"), seldom=1, conflict="ON CONFLICT (no) DO NOTHING")

    kept.write(direct, [(AT_ONCE, "first", None)])
    kept.write(direct, [(each, "second", None) for each in range(2 * AT_ONCE)])

    assert direct.execute("SELECT count(*), min(name) FROM notes").fetchone() == (2 * AT_ONCE, "first")
    assert direct.execute("SELECT no FROM notes WHERE name = 'first'").fetchall() == [(AT_ONCE,)]


def test_a_row_that_is_there_stays_where_that_is_said(direct):
    kept = Insert("notes", ("no", "name", "why"), seldom=1, conflict="ON CONFLICT (no) DO NOTHING")

    kept.write(direct, [(1, "first", None)])
    kept.write(direct, [(1, "second", None), (1, "third", "so")])

    assert direct.execute("SELECT no, name, why FROM notes").fetchall() == [(1, "first", None)]


def test_without_rows_nothing_is_asked(direct):
    Insert("nowhere", ("no", "name"), seldom=1).write(direct, [])


@pytest.mark.parametrize("values", [["ü", 'a"b', "a\nb"], [1, -2], []])
def test_lists_come_back_as_they_are_asked_for(direct, values):
    found = direct.execute("SELECT value FROM json_each(?)", (listed(values),)).fetchall()

    assert [value for (value,) in found] == values
    assert json.loads(listed({7: "x"})) == {"7": "x"}
