import sqlite3
import warnings
from contextlib import closing

import pytest

from features.kinds import Kind
from features.layout import SEQ
from features.state import empty, pack
from tests.features.histories import MINUTE
from tests.training.ledgers import NOW, Ledger
from training.states_behind import States, states_behind
from training.status import Status


@pytest.fixture
def online(tmp_path):
    """The store of a home, as the server writes it; importing it imports Feast, which takes seconds."""
    with warnings.catch_warnings():
        from serving.online import OnlineStates
    with closing(OnlineStates(tmp_path)) as opened:
        yield opened


def state(seq):
    folded = empty()
    folded[SEQ] = seq
    return pack(folded)


def looked_at(home, path, at=NOW):
    with closing(sqlite3.connect(path)) as connection:
        return states_behind(home, connection, at_us=at)


def test_who_is_behind_missing_or_damaged_is_counted(tmp_path, online):
    ledger = Ledger(tmp_path)
    ledger.user("anonymous:ç", merged_into="ann")
    last = {
        key: ledger.event(key, Kind.PAGE_VIEWED, NOW - MINUTE) for key in ("ann", "ben", "cyd", "dan", "anonymous:ç")
    }
    online.write([("ann", state(last["ann"]), NOW), ("ben", state(last["ben"] - 1), NOW), ("cyd", b"\x00", NOW)])

    found = looked_at(tmp_path, ledger.write())

    assert found == States(looked_at=4, behind=3)
    assert found.status is Status.CHANGED


def test_states_that_are_where_the_log_is_are_ok(tmp_path, online):
    ledger = Ledger(tmp_path)
    last = {f"u{i}": ledger.event(f"u{i}", Kind.PAGE_VIEWED, NOW - MINUTE) for i in range(30)}
    online.write([(key, state(seq), NOW) for key, seq in last.items()])

    found = looked_at(tmp_path, ledger.write())

    assert (found, found.status) == (States(30, 0), Status.OK)


def test_without_a_store_or_anybody_in_it_nothing_is_said(tmp_path):
    path = Ledger(tmp_path).write()
    assert looked_at(tmp_path, path) is None

    (tmp_path / "feast").mkdir()
    (tmp_path / "feast" / "online.db").write_bytes(b"no database" * 99)
    assert looked_at(tmp_path, path) is None
